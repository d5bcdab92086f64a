/**
 * Whether HTTP/3 would get out beside the proxy: a datagram with a QUIC version nobody speaks is sent to UDP port 443 of
 * an origin. A server must answer it with the versions it does speak (RFC 9000 §6.1), so an answer proves that the way is
 * open for this machine. Silence proves less: the origin may not speak QUIC at all.
 */
import { createSocket } from 'node:dgram';
import { randomBytes } from 'node:crypto';
import { answer, type Answer } from './answer.ts';
import { words, type Patient } from './patient.ts';

/** RFC 9000 §15: versions of the form 0x?a?a?a?a are reserved to be unknown. */
const UNKNOWN_VERSION = 0x1a2a3a4a;
/** RFC 9000 §14.1: a first datagram is at least this long. */
const DATAGRAM = 1200;

export async function askQuic({ hosts, patience }: Patient): Promise<Answer[]> {
  if (hosts.length === 0) return [answer('quic-none', 'There is no origin to try.')];
  const heard = await Promise.all(hosts.map(at => knock(at.host, at.port, patience)));
  const lines = hosts.map((at, i) => `${at.host} UDP ${at.port}: ${heard[i]?.detail ?? ''}`);
  const open = lines.filter((_, i) => heard[i]?.answered === true);
  return open.length > 0
    ? [
        answer(
          'quic-open',
          'Origins answer QUIC from this machine; clients may reach them the same way.',
          open,
        ),
      ]
    : [answer('quic-closed', 'No origin answered QUIC from this machine.', lines)];
}

/** A long header with an unknown version, two connection ids of 8 bytes, and padding (RFC 8999 §5.1). Pure. */
export function unknownVersionDatagram(ids: Buffer): Buffer {
  const datagram = Buffer.alloc(DATAGRAM);
  datagram[0] = 0xc0;
  datagram.writeUInt32BE(UNKNOWN_VERSION, 1);
  datagram[5] = 8;
  ids.copy(datagram, 6, 0, 8);
  datagram[14] = 8;
  ids.copy(datagram, 15, 8, 16);
  return datagram;
}

/** The versions of a Version Negotiation packet that answers `ids`, or null for anything else (RFC 9000 §17.2.1). Pure. */
export function offeredVersions(packet: Buffer, ids: Buffer): string[] | null {
  if (packet.length < 27 || ((packet[0] ?? 0) & 0x80) === 0 || packet.readUInt32BE(1) !== 0) return null;
  // The server swaps the connection ids.
  if (packet[5] !== 8 || !packet.subarray(6, 14).equals(ids.subarray(8, 16))) return null;
  if (packet[14] !== 8 || !packet.subarray(15, 23).equals(ids.subarray(0, 8))) return null;
  const versions: string[] = [];
  for (let at = 23; at + 4 <= packet.length && versions.length < 32; at += 4)
    versions.push(`0x${packet.readUInt32BE(at).toString(16).padStart(8, '0')}`);
  return versions;
}

function knock(host: string, port: number, patience: number): Promise<{ answered: boolean; detail: string }> {
  const ids = randomBytes(16);
  return new Promise(resolve => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    const done = (answered: boolean, detail: string): void => {
      clearTimeout(timer);
      socket.removeAllListeners();
      // A late ICMP answer to a socket that is being closed is nobody's business.
      socket.on('error', () => undefined);
      socket.close();
      resolve({ answered, detail });
    };
    const timer = setTimeout(() => {
      done(false, `no answer within ${patience / 1000} s`);
    }, patience);
    socket.on('message', packet => {
      const versions = offeredVersions(packet, ids);
      if (versions !== null) done(true, `speaks versions ${versions.join(', ')}`);
    });
    socket.on('error', error => {
      done(false, words(error));
    });
    socket.connect(port, host, (error?: Error) => {
      if (error !== undefined) {
        done(false, words(error));
        return;
      }
      socket.send(unknownVersionDatagram(ids));
    });
  });
}
