/** The ways of telling somebody of an alert, as the settings name them, in a form that can go to a thread. */
import { readFileSync } from 'node:fs';
import { splitHostPort } from '../../core/host-name.ts';
import { addressText } from '../../core/network.ts';
import type { Settings } from '../../settings/catalogue.ts';
import type { StreamsData } from '../streams/streams.ts';
import type { MailServer } from './deliver.ts';

type Chosen = Pick<
  Settings,
  | 'egress.allow'
  | 'origin.extra-ca'
  | 'alerts.mail-server'
  | 'alerts.mail-from'
  | 'alerts.mail-credentials-file'
>;

/** Throws Error in words for people when the mail server or its credentials cannot be understood. */
export function alertWays(settings: Chosen): StreamsData['alerts'] {
  return {
    allow: settings['egress.allow'].map(
      ([address, length]) => `${addressText(address.toString())}/${length}`,
    ),
    caFiles: [...settings['origin.extra-ca']],
    mail: mailServer(settings),
  };
}

function mailServer(settings: Chosen): MailServer | null {
  const server = settings['alerts.mail-server'];
  if (server === null) return null;
  const split = splitHostPort(server, 587);
  if (split === null) throw new Error(`alerts.mail-server: "${server}" is no HOST:PORT`);
  const file = settings['alerts.mail-credentials-file'];
  return {
    host: split.host.replace(/^\[|\]$/g, ''),
    port: split.port,
    security: split.port === 465 ? 'tls' : 'starttls',
    from: settings['alerts.mail-from'],
    credentials: file === null ? null : credentials(file),
  };
}

function credentials(file: string): { user: string; pass: string } {
  const line = readFileSync(file, 'utf8').split(/\r?\n/, 1)[0] ?? '';
  const colon = line.indexOf(':');
  if (colon < 1)
    throw new Error(`alerts.mail-credentials-file: the first line of ${file} is no user:password`);
  return { user: line.slice(0, colon), pass: line.slice(colon + 1) };
}
