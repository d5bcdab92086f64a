/** A strict reader of ExportLogsServiceRequest in the JSON mapping of proto3. */
import assert from 'node:assert/strict';

export interface OtlpRecord {
  timeUnixNano: string;
  eventName: string;
  severityNumber: number;
  body: string;
  attributes: Map<string, unknown>;
}

type Json = Record<string, unknown>;

/** Throws on an unknown key, a wrong type or an attribute given twice. */
export function checkOtlp(text: string): OtlpRecord[] {
  const request = only(JSON.parse(text) as Json, ['resourceLogs']);
  return (request['resourceLogs'] as Json[]).flatMap(entry => {
    only(entry, ['resource', 'scopeLogs']);
    attributes(only(entry['resource'] as Json, ['attributes'])['attributes']);
    return (entry['scopeLogs'] as Json[]).flatMap(scope => {
      only(scope, ['scope', 'logRecords']);
      only(scope['scope'] as Json, ['name', 'version']);
      return (scope['logRecords'] as Json[]).map(record);
    });
  });
}

const RECORD = [
  'timeUnixNano',
  'observedTimeUnixNano',
  'severityNumber',
  'severityText',
  'eventName',
  'body',
  'attributes',
];

function record(r: Json): OtlpRecord {
  only(r, RECORD);
  for (const name of ['timeUnixNano', 'observedTimeUnixNano']) fixed64(r[name]);
  const severity = r['severityNumber'];
  assert.ok(typeof severity === 'number' && severity >= 1 && severity <= 24, 'severityNumber');
  return {
    timeUnixNano: String(r['timeUnixNano']),
    eventName: String(r['eventName']),
    severityNumber: severity,
    body: String(anyValue(r['body'])),
    attributes: attributes(r['attributes']),
  };
}

function attributes(list: unknown): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const pair of list as Json[]) {
    const { key, value } = only(pair, ['key', 'value']);
    assert.ok(typeof key === 'string' && key !== '' && !found.has(key), String(key));
    found.set(key, anyValue(value));
  }
  return found;
}

function anyValue(value: unknown): unknown {
  const [[type = '', inner] = []] = Object.entries(value as Json);
  assert.equal(Object.keys(value as Json).length, 1);
  if (type === 'intValue') assert.match(String(inner), /^-?\d{1,19}$/);
  if (type === 'intValue' || type === 'stringValue') assert.equal(typeof inner, 'string', type);
  else assert.equal(typeof inner, { boolValue: 'boolean', doubleValue: 'number' }[type], type);
  return inner;
}

function fixed64(value: unknown): void {
  assert.ok(
    typeof value === 'string' && /^\d{1,20}$/.test(value) && BigInt(value) < 2n ** 64n,
    String(value),
  );
}

function only(object: Json, keys: readonly string[]): Json {
  assert.deepEqual(
    Object.keys(object).filter(key => !keys.includes(key)),
    [],
  );
  return object;
}
