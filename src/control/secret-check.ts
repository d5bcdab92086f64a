/**
 * Whether the secrets that parent groups of a policy name can be read, for `policy check` and the console: otherwise it shows
 * only when the first flow goes that way and ends. What is in a secret is never told.
 *
 * A folder that is not there makes notes and no warnings: policies are also checked where they do not run.
 */
import { access } from 'node:fs/promises';
import { Fault } from '../core/faults.ts';
import type { Finding } from '../policy/analyse.ts';
import type { Positions } from '../policy/parse.ts';
import type { PolicyDocument } from '../policy/rule.ts';
import { createLogins } from '../proxy/parent-login.ts';

/** One finding for each parent group whose secret cannot be read in `folder`. Never rejects. */
export async function secretFindings(
  { parents = {} }: Pick<PolicyDocument, 'parents'>,
  positions: Positions,
  folder: string,
): Promise<Finding[]> {
  const groups = Object.entries(parents).filter(([, group]) => group.login !== undefined);
  if (groups.length === 0) return [];
  const there = await access(folder).then(
    () => true,
    () => false,
  );
  const logins = createLogins(folder);
  const findings: Finding[] = [];
  for (const [name, { login = '' }] of groups) {
    const why = there
      ? await logins(login).then(
          () => null,
          (e: unknown) => (e instanceof Fault ? (e.detail ?? e.code) : 'it cannot be read'),
        )
      : `secret "${login}": there is no folder ${folder}`;
    if (why === null) continue;
    findings.push({
      kind: 'parent-secret',
      severity: there ? 'warning' : 'note',
      rule: null,
      list: null,
      line: positions.parents[name] ?? 0,
      message: `parent group "${name}": ${why}; flows through it would end with parent-login`,
      hint: `Put user:password into ${login} in the folder that the setting parent.secrets names, readable by the service alone.`,
    });
  }
  return findings;
}
