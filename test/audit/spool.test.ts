/** The spool's promises: one write per flush, rotation, and every way a disk can refuse, with real and with played errors. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { HEADER_LENGTH } from '../../src/audit/frame.ts';
import { listSegments } from '../../src/audit/producer.ts';
import { openSpool } from '../../src/audit/spool.ts';
import { SegmentTail } from '../../src/audit/tail.ts';
import { exchange, NOON, scratch } from './sample.ts';
import type { AuditRecord } from '../../src/core/records.ts';

/** All records of a spool folder, in order; fails on damage. */
function readBack(dir: string): AuditRecord[] {
  const out: AuditRecord[] = [];
  for (const { name } of listSegments(dir)) {
    const tail = new SegmentTail(path.join(dir, name), 0);
    while (
      tail.read(
        r => out.push(r),
        d => assert.fail(`damage: ${JSON.stringify(d)}`),
        true,
      ) === 'more'
    );
    tail.close();
  }
  return out;
}
const numbers = (records: AuditRecord[]): number[] =>
  records.filter(r => r.kind === 'exchange').map(r => r.n);
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

function enospc(): never {
  throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
}

describe('a spool', () => {
  it('hands everything queued over in one write, only when flushed', t => {
    const dir = scratch(t);
    const spool = openSpool({ dir, producer: 1 });
    const write = t.mock.method(fs, 'writeSync');
    for (const n of upTo(20)) spool.append(exchange({ n }));
    assert.equal(write.mock.callCount(), 0);
    assert.equal(fs.statSync(path.join(dir, listSegments(dir)[0]?.name ?? '')).size, HEADER_LENGTH);
    spool.flush();
    assert.equal(write.mock.callCount(), 1);
    spool.flush();
    assert.equal(write.mock.callCount(), 1, 'nothing queued, nothing written');
    assert.deepEqual(numbers(readBack(dir)), upTo(20));
    spool.close();
  });

  it('goes on in a new segment when one is full; each can be read by itself', t => {
    const dir = scratch(t);
    const spool = openSpool({ dir, producer: 3, maxSegment: 2000 });
    for (const n of upTo(200)) {
      spool.append(exchange({ n, path: `/${n}` }));
      spool.flush();
    }
    spool.close();
    const segments = listSegments(dir);
    assert.ok(segments.length > 3, `${segments.length} segments`);
    assert.deepEqual(
      segments.map(s => s.seq),
      upTo(segments.length),
    );
    assert.deepEqual(numbers(readBack(dir)), upTo(200));
  });

  it('can be read only by its owner', t => {
    const dir = path.join(scratch(t), 'spool');
    const spool = openSpool({ dir, producer: 1 });
    assert.equal(fs.statSync(dir).mode & 0o777, 0o700);
    assert.equal(fs.statSync(path.join(dir, listSegments(dir)[0]?.name ?? '')).mode & 0o777, 0o600);
    spool.close();
  });
});

describe('audit.durability', () => {
  /** What reaches the disk, in order, while twenty records go into small segments. */
  const order = (t: TestContext, durability: 'normal' | 'strict'): string[] => {
    const dir = scratch(t);
    const seen: string[] = [];
    const names = new Map<number, string>();
    const opened = fs.openSync;
    t.mock.method(fs, 'openSync', (...args: Parameters<typeof fs.openSync>) => {
      const fd = opened(...args);
      names.set(fd, args[0] === dir ? 'folder' : 'segment');
      return fd;
    });
    const watch = (name: 'writeSync' | 'fdatasyncSync' | 'fsyncSync', word: string): void => {
      const real = fs[name] as (fd: number, ...rest: unknown[]) => number;
      t.mock.method(fs, name, (fd: number, ...rest: unknown[]) => {
        const done = real(fd, ...rest);
        seen.push(`${word} ${names.get(fd) ?? ''}`);
        return done;
      });
    };
    watch('writeSync', 'write');
    watch('fdatasyncSync', 'sync');
    watch('fsyncSync', 'sync');
    const spool = openSpool({ dir, producer: 1, durability, maxSegment: 4000 });
    for (const n of upTo(20)) {
      spool.append(exchange({ n, path: `/${'x'.repeat(1000)}` }));
      spool.flush();
      seen.push('answer');
    }
    spool.close();
    t.mock.restoreAll();
    assert.ok(listSegments(dir).length > 2);
    assert.deepEqual(numbers(readBack(dir)), upTo(20));
    return seen;
  };

  it('strict: a flush returns when its records are on the disk, in a file that its folder knows', t => {
    const seen = order(t, 'strict').join(', ');
    const begun = '(?:write segment, sync folder, )?';
    const flush = `write segment, sync segment, ${begun}answer, `;
    const [open, close] = ['write segment, sync folder, sync segment, ', 'write segment, sync segment'];
    assert.match(seen, new RegExp(`^${open}(?:${flush}){20}${close}$`));
    assert.ok(seen.split('sync folder').length > 3);
  });

  it('normal: the kernel decides when; a flush returns when it has taken the records', t => {
    const seen = order(t, 'normal');
    assert.ok(seen.every(step => !step.startsWith('sync')));
    assert.ok(seen.filter(step => step === 'write segment').length >= 20);
  });
});

describe('when writing fails', () => {
  it('the spool is unhealthy under block, healthy under continue, and tries again after 250 ms', t => {
    for (const onFailure of ['block', 'continue'] as const) {
      const dir = scratch(t);
      let now = NOON;
      const spool = openSpool({ dir, producer: 1, onFailure, now: () => now });
      spool.append(exchange({ n: 1 }));
      spool.flush();
      const broken = t.mock.method(fs, 'writeSync', enospc);
      spool.append(exchange({ n: 2 }));
      spool.flush();
      assert.equal(spool.healthy, onFailure === 'continue');
      assert.equal(broken.mock.callCount(), 1);
      now += 100;
      spool.flush();
      assert.equal(broken.mock.callCount(), 1, 'not again so soon');
      now += 200;
      spool.flush();
      assert.equal(broken.mock.callCount(), 2);
      broken.mock.restore();
      now += 300;
      spool.flush();
      assert.equal(spool.healthy, true);
      spool.close();
      assert.deepEqual(numbers(readBack(dir)), [1, 2], 'what waited was written');
    }
  });

  it('a torn frame is completed or overwritten, wherever it tore', t => {
    // A queue of several frames breaks after every possible number of bytes.
    const whole = ((): number => {
      const dir = scratch(t);
      const spool = openSpool({ dir, producer: 1 });
      for (const n of upTo(3)) spool.append(exchange({ n }));
      const { queuedBytes } = spool.stats();
      spool.close();
      return queuedBytes;
    })();
    const real = fs.writeSync;
    for (let cut = 0; cut < whole; cut += 7) {
      const dir = scratch(t);
      let now = NOON;
      const spool = openSpool({ dir, producer: 1, now: () => now });
      for (const n of upTo(3)) spool.append(exchange({ n }));
      let first = true;
      const broken = t.mock.method(fs, 'writeSync', ((
        fd: number,
        b: Buffer,
        from: number,
        n: number,
        at: number,
      ) => {
        if (!first) return enospc();
        first = false;
        return cut === 0 ? enospc() : real(fd, b, from, Math.min(n, cut), at);
      }) as typeof fs.writeSync);
      spool.flush();
      assert.equal(spool.healthy, false);
      broken.mock.restore();
      // More arrives while the frame is torn.
      spool.append(exchange({ n: 4 }));
      now += 300;
      spool.flush();
      assert.equal(spool.healthy, true);
      spool.close();
      assert.deepEqual(numbers(readBack(dir)), [1, 2, 3, 4], `torn after ${cut} bytes`);
    }
  });

  it('the queue is bounded; what is shed is counted and told in a spool.gap event', t => {
    const dir = scratch(t);
    let now = NOON;
    const spool = openSpool({ dir, producer: 9, queueBound: 4096, now: () => now });
    const broken = t.mock.method(fs, 'writeSync', enospc);
    for (const n of upTo(500)) {
      spool.append(exchange({ n, path: `/${'p'.repeat(100)}` }));
      spool.flush();
      now += 1;
    }
    const { shed, queuedBytes } = spool.stats();
    assert.ok(queuedBytes < 4096 + 2000, `${queuedBytes} bytes queued`);
    assert.ok(shed > 400);
    broken.mock.restore();
    now += 300;
    spool.probe();
    assert.equal(spool.healthy, true);
    spool.close();
    const records = readBack(dir);
    assert.equal(numbers(records).length + shed, 500);
    const gap = records.find(r => r.kind === 'event');
    assert.equal(gap?.name, 'spool.gap');
    assert.equal(gap.detail['records'], shed);
    assert.deepEqual(gap.detail['shed'], { exchange: shed });
    assert.match(String(gap.detail['error']), /ENOSPC/);
  });

  it('a folder that cannot be made is no exception, and is used once it can', t => {
    const dir = path.join(scratch(t), 'spool');
    fs.writeFileSync(dir, 'a file is in the way');
    let now = NOON;
    const spool = openSpool({ dir, producer: 1, now: () => now });
    assert.equal(spool.healthy, false);
    spool.append(exchange({ n: 1 }));
    fs.rmSync(dir);
    now += 300;
    spool.flush();
    assert.equal(spool.healthy, true);
    spool.close();
    assert.deepEqual(numbers(readBack(dir)), [1]);
  });

  it('a removed segment is noticed: a new one begins, and a gap is told', t => {
    const dir = scratch(t);
    let now = NOON;
    const spool = openSpool({ dir, producer: 1, now: () => now });
    spool.append(exchange({ n: 1 }));
    spool.flush();
    fs.rmSync(path.join(dir, listSegments(dir)[0]?.name ?? ''));
    now += 2000;
    spool.probe();
    spool.append(exchange({ n: 2 }));
    spool.flush();
    spool.close();
    const records = readBack(dir);
    assert.deepEqual(numbers(records), [2]);
    assert.ok(records.some(r => r.kind === 'event' && r.name === 'spool.gap'));
  });

  it('a record that cannot be written as data costs itself only', t => {
    const dir = scratch(t);
    const spool = openSpool({ dir, producer: 1 });
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    spool.append(exchange({ n: 1 }));
    spool.append({ kind: 'event', time: 1, name: 'x', detail: circle });
    spool.append(exchange({ n: 2, path: undefined as unknown as string }));
    spool.append(exchange({ n: 3 }));
    spool.close();
    assert.deepEqual(numbers(readBack(dir)), [1, 3]);
    assert.equal(spool.stats().shed, 2);
  });
});

describe('audit.spool-max', () => {
  it('counts all segments of the folder; room makes the spool healthy again', t => {
    const dir = scratch(t);
    let now = NOON;
    const other = path.join(dir, '00000099-00000001.seg');
    fs.writeFileSync(other, Buffer.alloc(100_000));
    const spool = openSpool({ dir, producer: 1, maxSpool: 50_000, now: () => now });
    assert.equal(spool.healthy, true);
    now += 2000;
    spool.probe();
    assert.equal(spool.healthy, false);
    assert.match(spool.stats().error ?? '', /spool-max/);
    fs.rmSync(other);
    now += 2000;
    spool.probe();
    assert.equal(spool.healthy, true);
    spool.close();
  });
});

describe('on a real disk that fills up', () => {
  for (const onFailure of ['block', 'continue'])
    it(`under ${onFailure}: what was acknowledged is there, the rest is counted, and all goes on when there is room`, t => {
      const dir = scratch(t);
      const small = path.join(dir, 'small');
      const roomy = path.join(dir, 'roomy');
      fs.mkdirSync(small);
      fs.mkdirSync(roomy);
      const child = fileURLToPath(new URL('./disk/full.ts', import.meta.url));
      // A mount name space of its own: the tmpfs is gone with the child.
      const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user'];
      const script =
        'mount -t tmpfs -o size=1m sightglass-test "$1" && exec "$2" --import tsx "$3" "$1" "$4" "$5"';
      const out = execFileSync(
        'unshare',
        ['--mount', ...asRoot, 'sh', '-c', script, 'sh', small, process.execPath, child, roomy, onFailure],
        { encoding: 'utf8' },
      );
      const { spool, store } = JSON.parse(out) as Record<'spool' | 'store', Result>;
      assert.equal(spool.healthyAtFirstFailure, onFailure === 'continue');
      assert.equal(spool.whenFull.healthy, onFailure === 'continue');
      assert.match(spool.whenFull.error, /ENOSPC/);
      assert.deepEqual(spool.afterRoom, { healthy: true, writing: true });
      assert.equal(spool.exchanges + spool.shed, spool.written);
      assert.equal(spool.different, spool.exchanges, 'nothing twice');
      const gaps = spool.events.filter(e => e.event === 'spool.gap');
      assert.equal(
        gaps.reduce((sum, e) => sum + Number(e.detail['records']), 0),
        spool.shed,
      );

      assert.ok(store.failures >= 5, 'the store ran out of room');
      assert.match(store.error, /full|disk/);
      assert.equal(store.exchanges, store.written, 'nothing lost');
      assert.equal(store.different, store.written, 'nothing twice');
      t.diagnostic(
        `${spool.written} written, ${spool.shed} shed; store: ${store.written} through ${store.failures} failures`,
      );
    });
});

interface Result {
  written: number;
  shed: number;
  healthyAtFirstFailure: boolean;
  whenFull: { healthy: boolean; error: string };
  afterRoom: { healthy: boolean; writing: boolean };
  exchanges: number;
  different: number;
  events: { event: string; detail: Record<string, unknown> }[];
  failures: number;
  error: string;
}
