/**
 * Reads an ExportLogsServiceRequest in the JSON mapping of proto3 by the message types that OpenTelemetry publishes: what
 * comes back from the binary form must be the text that went in, so that no name, type or number is ours alone.
 */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

export interface OtlpRecord {
  timeUnixNano: string;
  eventName: string;
  severityNumber: number;
  body: string;
  attributes: Map<string, unknown>;
  /** `host.name` of its resource. */
  host: unknown;
}

type Json = Record<string, unknown>;

/** A message type of protobufjs, as far as it is used. */
interface Message {
  verify(object: object): string | null;
  fromObject(object: object): object;
  encode(message: object): { finish(): Uint8Array };
  decode(bytes: Uint8Array): object;
  toObject(message: object, options: object): Json;
}
interface Root {
  opentelemetry: { proto: { collector: { logs: { v1: { ExportLogsServiceRequest: Message } } } } };
}
// The types are generated and not part of the package's front door, which has none for reading requests.
const root = createRequire(import.meta.url)(
  '@opentelemetry/otlp-transformer/build/src/generated/root.js',
) as Root;
const REQUEST = root.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;

/** Throws on an unknown name, a wrong type, a number out of its range or an attribute given twice. */
export function checkOtlp(text: string): OtlpRecord[] {
  const sent = JSON.parse(text) as Json;
  const message = REQUEST.fromObject(sent);
  assert.equal(REQUEST.verify(message), null);
  const read = REQUEST.toObject(REQUEST.decode(REQUEST.encode(message).finish()), { longs: String });
  assert.deepEqual(read, sent);
  return (read['resourceLogs'] as Json[]).flatMap(entry => {
    const host = attributes((entry['resource'] as Json)['attributes']).get('host.name');
    return (entry['scopeLogs'] as Json[]).flatMap(scope =>
      (scope['logRecords'] as Json[]).map(r => ({
        timeUnixNano: String(r['timeUnixNano']),
        eventName: String(r['eventName']),
        severityNumber: Number(r['severityNumber']),
        body: String(anyValue(r['body'])),
        attributes: attributes(r['attributes']),
        host,
      })),
    );
  });
}

function attributes(list: unknown): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const { key, value } of list as { key: string; value: Json }[]) {
    assert.ok(key !== '' && !found.has(key), key);
    found.set(key, anyValue(value));
  }
  return found;
}

function anyValue(value: unknown): unknown {
  assert.equal(Object.keys(value as Json).length, 1);
  return Object.values(value as Json)[0];
}
