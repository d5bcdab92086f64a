/** Entry of the thread of streams: opens the store and control.db for itself, looks at the document, tells how things stand. */
import { parentPort, workerData } from 'node:worker_threads';
import { openStore } from '../../audit/store/sqlite.ts';
import { openControlDb } from '../control-db.ts';
import { Book } from './book.ts';
import { Engine } from './engine.ts';
import type { FromStreams, StreamsData } from './streams.ts';

const port = parentPort;
if (port === null) throw new Error('thread.ts is the entry of a worker thread');
const { dataDir, auditDir, file, sender } = workerData as StreamsData;
const say = (message: FromStreams): void => port.postMessage(message);
const tell = (name: string, detail: Record<string, unknown>): void => say({ kind: 'event', name, detail });

const LOOK_MS = 2000;
const STATE_MS = 1000;

const db = openControlDb(dataDir);
const store = openStore({ dir: auditDir });
const engine = new Engine({ file, store, book: new Book(db), sender, tell });

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
const telling = setInterval(() => say({ kind: 'state', state: engine.state() }), STATE_MS);

port.once('message', () => {
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
