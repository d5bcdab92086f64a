/** The shape of the machine a run was made on: without it no figure means anything. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';

export interface Machine {
  os: string;
  kernel: string;
  cpu: string;
  cores: number;
  memoryGb: number;
  node: string;
  openssl: string;
  nginx: string;
}

export function machine(): Machine {
  const release = /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux';
  const nginx = spawnSync('nginx', ['-v'], { encoding: 'utf8' });
  return {
    os: release,
    kernel: os.release(),
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    memoryGb: Math.round(os.totalmem() / 2 ** 30),
    node: process.versions.node,
    openssl: process.versions.openssl,
    nginx: nginx.stderr.trim().replace('nginx version: ', ''),
  };
}
