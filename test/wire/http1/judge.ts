/** The differential statements, in one place for the tests and the fuzz targets. Each throws when it does not hold. */
import assert from 'node:assert/strict';
import {
  RequestReader,
  ResponseReader,
  serializeRequest,
  serializeResponse,
  serializeTrailers,
} from '../../../src/wire/http1/index.ts';
import { judgeRequests, judgeResponse } from './llhttp.ts';
import type { Message } from './transcript.ts';
import { drive, resend } from './transcript.ts';

/**
 * Where llhttp refuses what we accept. Neither moves the end of a message: it knows a fixed list of methods only, and
 * no request targets that are neither a path nor an absolute URL it can split.
 */
const STRICTER = new Set<string | null>(['HPE_INVALID_METHOD', 'HPE_INVALID_URL']);

const ended = (message: Message): boolean => message.trailers !== null;
const show = (bytes: Buffer): string => JSON.stringify(bytes.toString('latin1'));

/** What happened, so that a test can prove that its inputs reach all outcomes. */
export type Verdict = 'agreed' | 'we refused' | 'they refused' | 'nothing to compare';

/** Our requests in `bytes` are llhttp's: same number, method, target, body, order. */
export async function sameRequests(bytes: Buffer): Promise<Verdict> {
  const ours = drive(new RequestReader(), [bytes], { stopAtClose: true });
  const theirs = await judgeRequests(bytes);
  const mine = ours.messages;
  const stopped = mine.length > 0 && stopsAt(mine[mine.length - 1]!);
  for (const [i, message] of mine.entries()) {
    const other = theirs.messages[i];
    if (message.head.kind !== 'request') throw new Error('not a request');
    if (other === undefined) {
      if (STRICTER.has(theirs.error)) return 'they refused';
      // A head that llhttp refuses as a whole shows in its error; only a body that is not all there may be missing.
      assert.fail(`llhttp sees ${theirs.messages.length} requests (${theirs.error}) in ${show(bytes)}`);
    }
    const where = `request ${i + 1} of ${show(bytes)}`;
    assert.equal(other.method, message.head.method, where);
    assert.equal(other.target, message.head.target, where);
    if (ended(message)) {
      assert.deepEqual(other.body.toString('latin1'), message.body.toString('latin1'), where);
      assert.ok(other.complete, `llhttp waits for more of ${where}`);
    } else if (ours.malformed === null)
      assert.ok(!other.complete, `llhttp sees an end, we wait for more of ${where}`);
  }
  if (ours.malformed !== null) return mine.length === 0 ? 'we refused' : 'agreed';
  if (!stopped)
    assert.ok(theirs.messages.length <= mine.length, `llhttp sees more requests in ${show(bytes)}`);
  return mine.length === 0 ? 'nothing to compare' : 'agreed';
}

function stopsAt(message: Message): boolean {
  const { head } = message;
  return (
    ended(message) &&
    head.kind === 'request' &&
    (!head.keepAlive || head.method === 'CONNECT' || head.connection.includes('upgrade'))
  );
}

/** What we send on for the requests in `bytes` is read by llhttp, and by us, as exactly those requests. */
export async function forwardedRequests(bytes: Buffer): Promise<Verdict> {
  const ours = drive(new RequestReader(), [bytes], { stopAtClose: true });
  const whole = ours.messages.filter(ended);
  if (whole.length === 0) return 'nothing to compare';
  const sent = Buffer.concat(whole.map(m => resend(m, serializeRequest as never, serializeTrailers)));
  const again = drive(new RequestReader(), [sent], { stopAtClose: true });
  assert.equal(again.malformed, null, `we refuse what we wrote: ${show(sent)}`);
  assert.equal(again.messages.length, whole.length, show(sent));
  for (const [i, message] of whole.entries()) {
    const back = again.messages[i]!;
    if (message.head.kind !== 'request' || back.head.kind !== 'request') throw new Error('not a request');
    assert.equal(back.head.method, message.head.method);
    assert.equal(back.head.target, message.head.target);
    assert.deepEqual(back.head.framing, message.head.framing);
    assert.deepEqual(back.body, message.body);
    assert.deepEqual(back.trailers, message.trailers);
    assert.equal(
      serializeRequest(back.head),
      serializeRequest(message.head),
      'writing is stable once written',
    );
  }
  const theirs = await judgeRequests(sent);
  if (STRICTER.has(theirs.error)) return 'they refused';
  assert.equal(theirs.error, null, show(sent));
  assert.deepEqual(
    theirs.messages.map(m => [m.method, m.target, m.body.toString('latin1'), m.complete]),
    whole.map(m => [
      m.head.kind === 'request' && m.head.method,
      m.head.kind === 'request' && m.head.target,
      m.body.toString('latin1'),
      true,
    ]),
    show(sent),
  );
  return 'agreed';
}

/** A whole response that we accept is the same whole response to llhttp; so is what we write for the client. */
export async function sameResponse(method: string, bytes: Buffer): Promise<Verdict> {
  const reader = new ResponseReader();
  reader.expect(method);
  const heads: Message[] = [];
  let body: Buffer[] = [];
  let end = -1;
  reader.push(bytes);
  for (let event = reader.next(); ; event = reader.buffered === 0 ? reader.finish() : reader.next()) {
    if (event.kind === 'malformed') return 'we refused';
    if (event.kind === 'need-more') return 'nothing to compare';
    if (event.kind === 'head') {
      heads.push({ head: event.head, body: Buffer.alloc(0), trailers: null });
      if (!event.head.upgrade) continue;
      body = [Buffer.from(reader.takeRest())];
      end = bytes.length;
      break;
    }
    if (event.kind === 'data') body.push(event.data);
    else {
      heads[heads.length - 1]!.trailers = event.trailers;
      end = bytes.length - reader.buffered;
      break;
    }
  }
  // Node's client calls every answer to CONNECT a tunnel, refusals too; nothing to learn from it there.
  if (method === 'CONNECT' && !isTunnel(heads)) return 'nothing to compare';
  const last = heads[heads.length - 1]!;
  last.body = Buffer.concat(body);
  const close = last.head.framing.kind === 'until-close';
  const expected = heads.map(m => [
    m.head.kind === 'response' && m.head.status,
    m.body.toString('latin1'),
    true,
  ]);
  const check = async (sent: Buffer): Promise<Verdict> => {
    const theirs = await judgeResponse(method, sent, close);
    assert.equal(theirs.error, null, show(sent));
    assert.deepEqual(
      theirs.messages.map(m => [m.status, m.body.toString('latin1'), m.complete]),
      expected,
      show(sent),
    );
    return 'agreed';
  };
  await check(bytes.subarray(0, end));
  return check(Buffer.concat(heads.map(m => resend(m, serializeResponse as never, serializeTrailers))));
}

function isTunnel(heads: readonly Message[]): boolean {
  return heads.length === 1 && heads[0]!.head.kind === 'response' && heads[0]!.head.upgrade;
}
