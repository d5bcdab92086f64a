import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLog } from '../../src/control/log.ts';
import type { Level } from '../../src/control/log.ts';

const at = Date.UTC(2026, 10, 20, 12);

function logged(level: Level, ...calls: Parameters<ReturnType<typeof createLog>>[]): unknown[] {
  const lines: string[] = [];
  const log = createLog(
    level,
    line => lines.push(line),
    () => at,
  );
  for (const call of calls) log(...call);
  return lines.map(line => {
    assert.match(line, /^[^\n]*\n$/, 'one event is one line');
    return JSON.parse(line) as unknown;
  });
}

describe('the log', () => {
  it('writes one line of JSON an event, time and event first', () => {
    assert.deepEqual(logged('info', ['info', 'service.ready', { proxy: ['[::]:8080'] }]), [
      { time: '2026-11-20T12:00:00.000Z', level: 'info', event: 'service.ready', proxy: ['[::]:8080'] },
    ]);
  });

  it('writes what is at least as grave as its level', () => {
    const all: Level[] = ['error', 'warn', 'info', 'debug'];
    for (const [n, level] of all.entries())
      assert.equal(logged(level, ...all.map(l => [l, 'x'] as [Level, string])).length, n + 1, level);
  });

  it('keeps line breaks inside the line and its own fields its own', () => {
    assert.deepEqual(
      logged('debug', ['warn', 'a', { time: 17, event: 'b', level: 'c', text: 'one\ntwo\u2028' }]),
      [{ time: '2026-11-20T12:00:00.000Z', level: 'warn', event: 'a', text: 'one\ntwo\u2028' }],
    );
  });
});
