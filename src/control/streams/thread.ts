/**
 * Entry of the thread of streams and alerts: opens the store and control.db for itself, looks at the document and at the rules, tells
 * how things stand.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { parseNetwork } from '../../core/network.ts';
import { AlertShelf } from '../alerts/shelf.ts';
import { Watch } from '../alerts/watch.ts';
import { openControlDb } from '../control-db.ts';
import { openAuditStore } from '../fleet.ts';
import { Book } from './book.ts';
import { Engine, receiverOf } from './engine.ts';
import type { FromStreams, StreamsData, ToStreams } from './streams.ts';

const port = parentPort;
if (port === null) throw new Error('thread.ts is the entry of a worker thread');
const { records, file, sender, alerts } = workerData as StreamsData;
const say = (message: FromStreams): void => port.postMessage(message);
const tell = (name: string, detail: Record<string, unknown>): void => say({ kind: 'event', name, detail });

const LOOK_MS = 2000;
const STATE_MS = 1000;

const db = openControlDb(records['data-dir']);
const store = openAuditStore(records);
const engine = new Engine({ file, store, book: new Book(db), sender, tell });

const watch = new Watch({
  store,
  book: new Book(db),
  shelf: new AlertShelf(db),
  tell,
  ways: {
    host: sender.host,
    allow: alerts.allow.map(parseNetwork).filter(network => network !== null),
    ca: [...rootCertificates, ...alerts.caFiles.map(name => readFileSync(name, 'utf8'))],
    mail: alerts.mail,
    stream: name => {
      const config = engine.config(name);
      return config === null ? null : receiverOf(config, sender);
    },
  },
});

let troubled = false;
const look = (): void => {
  engine.look().then(
    () => {
      troubled = false;
    },
    (error: unknown) => {
      if (!troubled)
        tell('streams.rejected', { problem: error instanceof Error ? error.message : String(error) });
      troubled = true;
    },
  );
};
look();
const looking = setInterval(look, LOOK_MS);

let stopping = false;
const WATCH_MS = 500;
/** One round after the other; a store that cannot be read now is asked again, and the streams say what is wrong with it. */
const round = (work: () => Promise<unknown>): void => {
  if (stopping) return;
  work().then(
    more => setTimeout(round, more === true ? 0 : WATCH_MS, work).unref(),
    (error: unknown) => {
      tell('alerts.failing', { error: error instanceof Error ? error.message : String(error) });
      setTimeout(round, 20 * WATCH_MS, work).unref();
    },
  );
};
round(() => watch.look());
round(() => watch.tellDue());
const telling = setInterval(() => say({ kind: 'state', state: engine.state() }), STATE_MS);

port.on('message', (message: ToStreams) => {
  if (message.kind === 'test') {
    void watch.test(message.id).then(error => say({ kind: 'tested', ask: message.ask, error }));
    return;
  }
  stopping = true;
  clearInterval(looking);
  clearInterval(telling);
  void engine
    .stop()
    .then(() => store.close())
    .finally(() => {
      db.close();
      port.close();
    });
});
