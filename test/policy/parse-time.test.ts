import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readTime } from '../../src/policy/parse-time.ts';
import type { Condition } from '../../src/policy/rule.ts';
import { YamlReader } from '../../src/policy/yaml-reader.ts';

function read(yaml: string): { condition: Condition | null; problems: string[] } {
  const reader = new YamlReader(yaml);
  const root = reader.root();
  assert.ok(root !== null);
  const condition = readTime(reader, root);
  return { condition, problems: reader.problems.map(p => p.message) };
}

it('reads days, window and zone', () => {
  assert.deepEqual(read("{ days: [fri-mon, wed], window: '22:00-06:00', zone: Europe/Berlin }").condition, {
    test: 'time',
    days: [0, 1, 3, 5, 6],
    from: 1320,
    to: 360,
    zone: 'Europe/Berlin',
  });
  assert.deepEqual(read('zone: UTC').condition, {
    test: 'time',
    days: [0, 1, 2, 3, 4, 5, 6],
    from: 0,
    to: 1440,
    zone: 'UTC',
  });
});

it('tells what is no time, day, window or zone', () => {
  for (const [yaml, message] of [
    ["window: '08:00-18:00'", /has no zone/],
    ['{ zone: Mars/Olympus }', /is no time zone/],
    ['{ days: [noday], zone: UTC }', /is no weekday/],
    ["{ window: '25:00-26:00', zone: UTC }", /is no window/],
    ["{ window: '08:00-08:00', zone: UTC }", /is no window/],
    ["{ window: '08:61-09:00', zone: UTC }", /is no window/],
  ] as const) {
    const { problems } = read(yaml);
    assert.equal(problems.length, 1, yaml);
    assert.match(problems[0] ?? '', message);
  }
});
