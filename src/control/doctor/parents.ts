/** Whether each member of each parent group opens a tunnel to an origin for this machine. */
import { Fault } from '../../core/faults.ts';
import type { ParentWay } from '../../core/verdict.ts';
import { answer, type Answer } from './answer.ts';
import { faultText, waysOut } from './origins.ts';
import type { Patient } from './patient.ts';

/** Asked for when nobody named a host: reserved (RFC 2606 §3), so that a parent with a way out knows it. */
const ANY_ORIGIN = { host: 'example.com', port: 443 };

export async function askParents(patient: Patient, groups: readonly ParentWay[]): Promise<Answer[]> {
  if (groups.length === 0) return [answer('parent-none', 'The policy names no parent proxies.')];
  const at = patient.hosts[0] ?? ANY_ORIGIN;
  const reach = waysOut(patient);
  const members = groups.flatMap(way => way.via.map(member => ({ ...way, via: [member] })));
  return Promise.all(
    members.map(async way => {
      const who = `${way.via[0] ?? ''} (${way.group})`;
      try {
        const { socket } = await reach(at, way);
        socket.destroy();
        return answer('parent-good', `${who} opens tunnels.`, [`CONNECT ${at.host}:${at.port}`]);
      } catch (error) {
        const evidence = [faultText(error)];
        if (error instanceof Fault && error.code === 'parent-auth')
          return answer('parent-auth', `${who} wants credentials, or others (407).`, evidence);
        if (error instanceof Fault && error.code === 'parent-login')
          return answer('parent-login', `The credentials for ${who} cannot be read.`, evidence);
        if (error instanceof Fault && error.code === 'parent-untrusted')
          return answer('parent-untrusted', `${who} shows a certificate that cannot be verified.`, evidence);
        if (error instanceof Fault && error.code === 'parent-refused')
          return answer(
            'parent-refused',
            `${who} does not open a tunnel to ${at.host}:${at.port}.`,
            evidence,
          );
        return answer('parent-silent', `${who} cannot be reached.`, evidence);
      }
    }),
  );
}
