/** Variables of this shell that send programs elsewhere or weaken their TLS. Credentials in their values are not shown. */
import { answer, type Answer } from './answer.ts';
import type { Patient } from './patient.ts';

const PROXY = /^(https?|all|no|ftp)_proxy$/i;

export function askShell({ env }: Pick<Patient, 'env'>): Answer[] {
  const answers: Answer[] = [];
  const proxies = Object.keys(env).filter(name => PROXY.test(name) && (env[name] ?? '') !== '');
  if (proxies.length > 0)
    answers.push(
      answer(
        'shell-proxy',
        'This shell sends programs through a proxy.',
        proxies.sort().map(name => `${name}=${withoutCredentials(env[name] ?? '')}`),
      ),
    );
  if ((env['SSLKEYLOGFILE'] ?? '') !== '')
    answers.push(answer('shell-keylog', `SSLKEYLOGFILE is set to ${env['SSLKEYLOGFILE'] ?? ''}.`));
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0')
    answers.push(
      answer('shell-unverified', 'NODE_TLS_REJECT_UNAUTHORIZED is 0.', [
        'Sightglass verifies origins whatever this says',
      ]),
    );
  return answers.length > 0
    ? answers
    : [answer('shell-clean', 'No proxy variable and no switch against TLS is set here.')];
}

const withoutCredentials = (value: string): string => value.replace(/\/\/[^/@]*@/, '//…@');
