/**
 * The road to a collector: HTTPS with certificates on both sides. The collector is verified by the fleet's own CA and by its name;
 * nothing is sent before. One request at a time on one connection.
 *
 * Certificates are read anew at each greeting, so a renewed one needs no restart. Bounds: an answer of `MAX_ANSWER`, a
 * connection that says nothing for `SILENCE_MS` is given up.
 */
import fs from 'node:fs';
import https from 'node:https';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { encodeBatch } from './batch.ts';
import {
  BATCH_PATH,
  decodeAnswer,
  encodeArrival,
  HELLO_PATH,
  NAME_HEADER,
  SPOOL_HEADER,
} from './protocol.ts';
import type { Answer, Arrival } from './intake.ts';
import type { Batch } from './batch.ts';
import type { Road } from './pump.ts';
import type { SegmentCursor } from './spool-source.ts';

export interface TlsFiles {
  /** PEM files: own certificate (with intermediates), its key, the CA of the fleet. */
  certificate: string;
  key: string;
  ca: string;
}

export interface LinkOptions {
  /** `https://host:port` of the collector. */
  url: string;
  name: string;
  spool: Buffer;
  tls: TlsFiles;
}

const gzip = promisify(zlib.gzip);
const SILENCE_MS = 60_000;
const MAX_ANSWER = 16 * 1024 * 1024;

export class Link implements Road {
  private readonly options: LinkOptions;
  private agent: https.Agent | null = null;

  constructor(options: LinkOptions) {
    this.options = options;
  }

  async hello(arrival: Arrival): Promise<Map<string, SegmentCursor>> {
    const { tls } = this.options;
    this.close();
    this.agent = new https.Agent({
      keepAlive: true,
      maxSockets: 1,
      // A resumed session would show the certificate of its beginning.
      maxCachedSessions: 0,
      cert: fs.readFileSync(tls.certificate),
      key: fs.readFileSync(tls.key),
      ca: fs.readFileSync(tls.ca),
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
    });
    const answer = decodeAnswer(await this.post(HELLO_PATH, Buffer.from(encodeArrival(arrival)), {}));
    return answer.kind === 'taken' ? answer.segments : new Map();
  }

  async send(batch: Batch): Promise<Answer> {
    const body = await gzip(encodeBatch(batch), { level: 1 });
    return decodeAnswer(await this.post(BATCH_PATH, body, { 'content-encoding': 'gzip' }));
  }

  close(): void {
    this.agent?.destroy();
    this.agent = null;
  }

  private post(path: string, body: Buffer, headers: Record<string, string>): Promise<string> {
    const { url, name, spool } = this.options;
    return new Promise((resolve, reject) => {
      const request = https.request(
        new URL(path, url),
        {
          method: 'POST',
          agent: this.agent ?? undefined,
          timeout: SILENCE_MS,
          headers: {
            'content-type': 'application/octet-stream',
            'content-length': body.length,
            [NAME_HEADER]: name,
            [SPOOL_HEADER]: spool.toString('hex'),
            ...headers,
          },
        },
        response => {
          const chunks: Buffer[] = [];
          let size = 0;
          response.on('data', (chunk: Buffer) => {
            size += chunk.length;
            if (size > MAX_ANSWER) request.destroy(new Error('the answer of the collector is too long'));
            else chunks.push(chunk);
          });
          response.on('error', reject);
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString();
            if (response.statusCode === 200) resolve(text);
            else
              reject(
                new Error(`the collector answered ${response.statusCode ?? 0}: ${text.slice(0, 300)}`.trim()),
              );
          });
        },
      );
      request.on('timeout', () => request.destroy(new Error('the collector is silent')));
      request.on('error', reject);
      request.end(body);
    });
  }
}
