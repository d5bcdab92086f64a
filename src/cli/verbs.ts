/** The table of verbs: what `sightglass --help` and the README list, and where each command is built when it is asked for. */
import type { Command } from 'commander';

/** A verb as `--help` shows it, and where its command is built. */
export interface Verb {
  summary: string;
  load: () => Promise<Command>;
}

export const VERBS: Readonly<Record<string, Verb>> = {
  start: {
    summary: 'run the proxy and its console',
    load: async () => (await import('./start.ts')).startCommand(),
  },
  search: {
    summary: 'search the recorded traffic',
    load: async () => (await import('./search.ts')).searchCommand(),
  },
  audit: {
    summary: 'verify, count, hold, archive and delete what is recorded',
    load: async () => (await import('./audit.ts')).auditCommand(),
  },
  streams: {
    summary: 'show and check where records are sent',
    load: async () => (await import('./streams.ts')).streamsCommand(),
  },
  ca: {
    summary: 'make, show, export and deploy the certificate authority',
    load: async () => (await import('./ca.ts')).caCommand(),
  },
  policy: {
    summary: 'check, explain, try out, apply and roll back the policy',
    load: async () => (await import('./policy.ts')).policyCommand(),
  },
  lists: {
    summary: 'import, export, fetch and hand out lists of names',
    load: async () => (await import('./lists.ts')).listsCommand(),
  },
  user: {
    summary: 'add, list, change and shut users of console and proxy',
    load: async () => (await import('./user.ts')).userCommand(),
  },
  hello: {
    summary: 'decode a ClientHello',
    load: async () => (await import('./hello.ts')).helloCommand(),
  },
  backup: {
    summary: 'write everything into one encrypted file',
    load: async () => (await import('./backup.ts')).backupCommand(),
  },
  restore: {
    summary: 'bring a backup back into an empty data directory',
    load: async () => (await import('./restore.ts')).restoreCommand(),
  },
  doctor: {
    summary: 'examine ports, names, clock, keys, disk, parents, origins and clients',
    load: async () => (await import('./doctor.ts')).doctorCommand(),
  },
  demo: {
    summary: 'run everything with a local origin and sample traffic',
    load: async () => (await import('./demo.ts')).demoCommand(),
  },
};
