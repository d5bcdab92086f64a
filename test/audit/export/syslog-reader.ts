/** A strict reader of RFC 5424 messages and RFC 5425 frames. */
import assert from 'node:assert/strict';

export interface SyslogMessage {
  facility: number;
  severity: number;
  time: string;
  host: string;
  app: string;
  pid: string;
  msgid: string;
  data: string;
  msg: string;
}

/** §6 of RFC 5424, lengths included. Throws on anything else. */
export function parseMessage(text: string): SyslogMessage {
  const m =
    /^<(0|[1-9]\d{0,2})>1 (-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)) ([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) (-|(?:\[[^\]= "]{1,32}(?: [^\]= "]{1,32}="(?:[^"\\\]]|\\["\\\]])*")*\])+) (.*)$/su.exec(
      text,
    );
  assert.ok(m !== null, `no message of RFC 5424: ${text.slice(0, 200)}`);
  const [, pri = '', time = '', host = '', app = '', pid = '', msgid = '', data = '', msg = ''] = m;
  assert.ok(Number(pri) <= 191, `PRI ${pri}`);
  return { facility: Number(pri) >> 3, severity: Number(pri) & 7, time, host, app, pid, msgid, data, msg };
}

/** §4.3 of RFC 5425. `rest` is the beginning of a frame that is not whole yet. */
export function parseFrames(bytes: Buffer): { messages: string[]; rest: Buffer } {
  const messages: string[] = [];
  let rest = bytes;
  for (;;) {
    const space = rest.indexOf(0x20);
    const length = rest.subarray(0, space < 0 ? rest.length : space).toString('latin1');
    if (length !== '') assert.match(length, /^[1-9]\d{0,6}$/, 'MSG-LEN');
    if (space < 0 || rest.length < space + 1 + Number(length)) return { messages, rest };
    const end = space + 1 + Number(length);
    const message = rest.subarray(space + 1, end);
    assert.ok(Buffer.from(message.toString()).equals(message), 'no UTF-8');
    messages.push(message.toString());
    rest = rest.subarray(end);
  }
}
