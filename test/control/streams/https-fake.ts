/** An HTTPS server that keeps what it was sent and answers as it is told; a stranger to our code but for Node's own https. */
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { makeTestCa } from '../../helpers/tls-authority.ts';

export interface Asked {
  path: string;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}
export interface Said {
  status: number;
  body?: string;
}

export interface HttpsFake {
  url: string;
  caFile: string;
  asked: Asked[];
  answer: (asked: Asked) => Said;
}

export async function httpsFake(t: TestContext, answer: (asked: Asked) => Said): Promise<HttpsFake> {
  const ca = makeTestCa();
  const { cert, key } = ca.issue({ names: ['localhost', '127.0.0.1'] });
  const fake: HttpsFake = { url: '', caFile: ca.caFile, asked: [], answer };
  const server = https.createServer({ cert, key }, (req, res) => {
    const pieces: Buffer[] = [];
    req.on('data', (piece: Buffer) => pieces.push(piece));
    req.on('end', () => {
      const asked = { path: req.url ?? '', headers: req.headers, body: Buffer.concat(pieces).toString() };
      fake.asked.push(asked);
      const { status, body = '' } = fake.answer(asked);
      res.writeHead(status, { 'content-type': 'application/json' }).end(body);
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
    ca.remove();
  });
  fake.url = `https://localhost:${(server.address() as AddressInfo).port}`;
  return fake;
}
