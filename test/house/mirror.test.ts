/** Every source has a test of its own name, or stands here with the reason why it needs none. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import ts from 'typescript';
import { ROOT, read, sources } from './tree.ts';

interface Exemption {
  /** The test that proves the files. */
  test: string;
  /** Why a test of their own would prove less, or nothing more. */
  because: string;
  files: readonly string[];
}

/** Sources that are proven by another test than the one of their name. */
const EXEMPT: readonly Exemption[] = [
  {
    test: 'test/audit/evidence/bundle.test.ts',
    because: 'a bundle is what one of them writes and another reads: they are right together or not at all',
    files: [
      'src/audit/evidence/format.ts',
      'src/audit/evidence/row.ts',
      'src/audit/evidence/source.ts',
      'src/audit/evidence/verify.ts',
    ],
  },
  {
    test: 'test/audit/retention.test.ts',
    because: 'what is left of a dropped day is read when the days around it are verified, there',
    files: ['src/audit/drop.ts'],
  },
  {
    test: 'test/cli/audit/hold.test.ts',
    because: 'the trail and the events that it writes are looked at there, as every verb leaves them',
    files: ['src/cli/audit/desk.ts', 'src/cli/audit/archive.ts', 'src/cli/audit/evidence.ts'],
  },
  {
    test: 'test/audit/store/contract-postgres.test.ts',
    because: 'a driver does what its contract says, which is asked of the real database there',
    files: ['src/audit/store/postgres/history.ts', 'src/audit/store/postgres/questions.ts'],
  },
  {
    test: 'test/audit/store/contract-sqlite.test.ts',
    because:
      'what both drivers of the history share is right when both keep the contract, which is asked of day files there',
    files: ['src/audit/store/day-history.ts', 'src/audit/store/history.ts'],
  },
  {
    test: 'test/control/keeping.test.ts',
    because:
      'holds and retention of a database must be those of day files, which one suite asks of both there',
    files: [
      'src/audit/store/postgres/days.ts',
      'src/audit/store/postgres/holds.ts',
      'src/control/fleet-holds.ts',
    ],
  },
  {
    test: 'test/audit/verify/day.test.ts',
    because: 'one verifier in parts; every kind of tampering runs through all of them there',
    files: [
      'src/audit/verify/finding.ts',
      'src/audit/verify/rows-in-table.ts',
      'src/audit/verify/sealed-file.ts',
      'src/audit/verify/walk.ts',
    ],
  },
  {
    test: 'test/audit/store/chain-writer.test.ts',
    because: 'what it makes is looked at as it lies in a file, after each way to go on with it',
    files: ['src/audit/chain-tail.ts'],
  },
  {
    test: 'test/audit/verify/fleet.test.ts',
    because:
      'what they chain, sign, seal and remember is right when a verifier finds it so, and every change to it wrong',
    files: [
      'src/audit/last-signed.ts',
      'src/audit/store/postgres/chain.ts',
      'src/audit/store/postgres/chain-rows.ts',
      'src/audit/store/postgres/digests.ts',
      'src/audit/store/postgres/sealing.ts',
      'src/audit/store/postgres/voucher.ts',
    ],
  },
  {
    test: 'test/cli/audit/verify.test.ts',
    because: 'it prints the key that verifying needs, where it is used',
    files: ['src/cli/audit/key.ts'],
  },
  {
    test: 'test/audit/store/chain-rows.test.ts',
    because: 'what is written by it must be what is read back, which that test compares for every column',
    files: ['src/audit/canon.ts'],
  },
  {
    test: 'test/audit/statement.test.ts',
    because: 'a checkpoint is one kind of statement, tested beside the others',
    files: ['src/audit/checkpoint.ts'],
  },
  {
    test: 'test/audit/seal.test.ts',
    because: 'they only decide when something is signed, copied and sealed, seen with what was signed',
    files: ['src/audit/notary.ts', 'src/audit/sealer.ts'],
  },
  {
    test: 'test/ca/rotation.test.ts',
    because: 'a life is told step by step there, with openssl as enterprise CA and as client',
    files: ['ca/life.ts', 'ca/make-root.ts', 'ca/request.ts'],
  },
  {
    test: 'test/cli/ca-life.test.ts',
    because: 'it only says where the verbs work, which they do there',
    files: ['src/cli/ca-place.ts'],
  },
  {
    test: 'test/ca/kits/kit.test.ts',
    because: 'they are seen in whole kits: texts, links, sums, the zip',
    files: ['ca/kits/guide.ts', 'ca/kits/readme.ts', 'ca/kits/refusal.ts', 'ca/kits/zip.ts'],
  },
  {
    test: 'test/ca/kits/windows-group-policy.test.ts',
    because: 'Samba and an XML reader judge the backup that they make together',
    files: ['ca/kits/gpo-backup.ts', 'ca/kits/windows-settings.ts'],
  },
  {
    test: 'test/ca/kits/mdm.test.ts',
    because: 'one XML file, read there beside the other one',
    files: ['ca/kits/android.ts'],
  },
  {
    test: 'test/e2e/deployment.test.ts',
    because: 'scripts are proven by running them on a machine, and by what its browsers and programs do then',
    files: [
      'ca/kits/linux.ts',
      'ca/kits/linux-scripts.ts',
      'ca/kits/proxy-variables.ts',
      'ca/kits/runtimes.ts',
      'ca/kits/runtime-scripts.ts',
    ],
  },
  {
    test: 'test/e2e/resilience.test.ts',
    because:
      'they are processes: what they promise is seen when they are started, killed and stopped for real',
    files: ['src/control/main.ts', 'src/control/worker.ts'],
  },
  {
    test: 'test/e2e/console.test.ts',
    because: 'it only joins the console to the product, which that test does in a browser',
    files: ['src/control/console.ts'],
  },
  {
    test: 'test/e2e/streams.test.ts',
    because: 'a thread and its handle: what they promise is seen when the process around them is killed',
    files: ['src/control/streams/streams.ts', 'src/control/streams/thread.ts'],
  },
  {
    test: 'test/web/server/routes/evidence.test.ts',
    because: 'it makes what the console sends, which is asked for and verified there',
    files: ['src/control/evidence.ts'],
  },
  {
    test: 'test/web/server/routes/account.test.ts',
    because: 'how a session begins and ends, and how a refusal is worded, is seen where people log in',
    files: ['web/server/door.ts', 'web/server/log-in-failures.ts'],
  },
  {
    test: 'test/web/server/routes/streams.test.ts',
    because: 'it joins rules and state to the console, whose API is asked there',
    files: ['src/control/alerts/console-alerts.ts'],
  },
  {
    test: 'test/control/streams/http-receiver.test.ts',
    because: 'every post of theirs is answered there by a server that is not ours',
    files: ['src/control/streams/post.ts'],
  },
  {
    test: 'test/control/desk.test.ts',
    because: 'it runs only as a thread, which it starts',
    files: ['src/control/desk-thread.ts'],
  },
  {
    test: 'test/proxy/tunnel.test.ts',
    because: 'one number, measured by the bench; that back-pressure holds with it is seen in a tunnel',
    files: ['src/proxy/buffers.ts'],
  },
  {
    test: 'test/cli/main.test.ts',
    because: 'they have no behaviour but that of the command line, which it runs',
    files: ['src/cli/settings-flags.ts', 'src/cli/start.ts', 'src/cli/usage-error.ts'],
  },
  {
    test: 'test/house/documents.test.ts',
    because: 'a table; it is compared with the files beside it',
    files: ['src/cli/verbs.ts'],
  },
  {
    test: 'test/e2e/backup.test.ts',
    because: 'the two verbs are what that test runs, on the product',
    files: ['src/cli/backup.ts', 'src/cli/restore.ts'],
  },
  {
    test: 'test/control/doctor/origins.test.ts',
    because: 'one type, and the words of an error that the answers there show',
    files: ['src/control/doctor/patient.ts'],
  },
  {
    test: 'test/settings/load.test.ts',
    because: 'one line of text, compared whole there',
    files: ['src/settings/problem.ts'],
  },
  {
    test: 'test/cli/demo/traffic.test.ts',
    because: 'every scene is played by this client against this origin, whose certificates real TLS judges',
    files: ['src/cli/demo/certificates.ts', 'src/cli/demo/client.ts', 'src/cli/demo/origin.ts'],
  },
  {
    test: 'test/cli/demo.test.ts',
    because: 'a text; it is parsed there and runs in the product',
    files: ['src/cli/demo/policy.ts'],
  },
  {
    test: 'test/audit/record-encoder.test.ts',
    because: 'encoder and decoder are one codec; every record goes through both and must come back',
    files: ['src/audit/bytes.ts', 'src/audit/record-decoder.ts'],
  },
  {
    test: 'test/audit/ingest.test.ts',
    because: 'they are the parts of a batch; days, locks and live rows are judged by what a batch leaves',
    files: ['src/audit/live-ring.ts'],
  },
  {
    test: 'test/audit/recorder.test.ts',
    because: 'they run only as a thread, which it starts',
    files: ['src/audit/recorder-thread.ts', 'src/audit/thread.ts'],
  },
  {
    test: 'test/audit/query/parse.test.ts',
    because: 'values and suggestions are seen through the queries they stand in',
    files: ['src/audit/query/fold.ts', 'src/audit/query/suggest.ts', 'src/audit/query/value.ts'],
  },
  {
    test: 'test/audit/store/day-writer.test.ts',
    because: 'what they write or read back is compared with the record it came from',
    files: [
      'src/audit/store/body-shelf.ts',
      'src/audit/store/columns.ts',
      'src/audit/store/day-detail.ts',
      'src/audit/store/layout.ts',
      'src/audit/store/open-flows.ts',
      'src/audit/store/shared-tables.ts',
      'src/audit/store/statements.ts',
      'src/audit/store/tallies.ts',
    ],
  },
  {
    test: 'test/audit/store/paging.test.ts',
    because: 'pages and whole answers are put together from days in the same way, and judged together there',
    files: ['src/audit/store/whole.ts'],
  },
  {
    test: 'test/audit/store/strip-writer.test.ts',
    because: 'what they read and write is one thing, compared there with the rows it was made from',
    files: ['src/audit/store/blocks.ts', 'src/audit/store/gram-writer.ts'],
  },
  {
    test: 'test/audit/store/sqlite.test.ts',
    because: 'the search is compared with a naive one over random records and queries, operator by operator',
    files: [
      'src/audit/query/condition.ts',
      'src/audit/query/fragment.ts',
      'src/audit/query/look.ts',
      'src/audit/query/text.ts',
      'src/audit/store/day-reader.ts',
      'src/audit/store/facet-source.ts',
      'src/audit/store/searchable.ts',
      'src/audit/store/store.ts',
    ],
  },
  {
    test: 'test/audit/store/thread-store.test.ts',
    because: 'it runs only as a thread, which it starts',
    files: ['src/audit/store/pool.ts', 'src/audit/store/reader-thread.ts'],
  },
  {
    test: 'test/audit/export/formats.test.ts',
    because: 'what they say of a record is seen in the formats, which are all written there',
    files: ['src/audit/export/json.ts'],
  },
  {
    test: 'test/audit/query/match.test.ts',
    because: 'live rows are compared there with the records they were made from',
    files: ['src/audit/store/rows.ts'],
  },
  {
    test: 'test/audit/store/contract-postgres.test.ts',
    because:
      'they are the parts of one driver; what they leave in a real PostgreSQL and read back is what counts',
    files: [
      'src/audit/fleet/intake.ts',
      'src/audit/fleet/pump.ts',
      'src/audit/fleet/raw-tail.ts',
      'src/audit/fleet/spool-source.ts',
      'src/audit/store/postgres/connect.ts',
      'src/audit/store/postgres/connection.ts',
      'src/audit/store/postgres/detail.ts',
      'src/audit/store/postgres/feed.ts',
      'src/audit/store/postgres/gather.ts',
      'src/audit/store/postgres/lines.ts',
      'src/audit/store/postgres/postgres.ts',
      'src/audit/store/postgres/proxy-state.ts',
      'src/audit/store/postgres/put.ts',
      'src/audit/store/postgres/rows.ts',
      'src/audit/store/postgres/statements.ts',
      'src/audit/store/postgres/writer.ts',
      'src/audit/store/shown.ts',
      'src/audit/store/stored-detail.ts',
    ],
  },
  {
    test: 'test/control/fleet.test.ts',
    because: 'one class, thrown and looked at there',
    files: ['src/settings/contradiction.ts'],
  },
  {
    test: 'test/web/server/routes/sso.test.ts',
    because: 'every road through them leads over a real provider, which is there',
    files: ['src/control/sso/console-sso.ts', 'src/control/sso/provider.ts'],
  },
  {
    test: 'test/control/fleet.test.ts',
    because: 'values of settings that mean something only together, which it reads as flags',
    files: ['src/settings/fleet-kinds.ts'],
  },
  {
    test: 'test/e2e/fleet.test.ts',
    because: 'they join proxies, collector and console, which that test runs as products',
    files: ['src/audit/fleet/fleet-thread.ts', 'src/audit/fleet/live-rows.ts', 'src/control/records.ts'],
  },
  {
    test: 'test/audit/fleet/fleet-kill.test.ts',
    because:
      'the two ends of the road, which it kills and starts again; refusals are seen in test/e2e/fleet.test.ts',
    files: ['src/audit/fleet/collector.ts', 'src/audit/fleet/link.ts'],
  },
  {
    test: 'test/audit/store/contract-sqlite.test.ts',
    because: 'a small step of both drivers, seen in what these give back',
    files: ['src/audit/store/head-field.ts'],
  },
];
const exempt = new Set(EXEMPT.flatMap(({ files }) => files));

const testOf = (source: string): string =>
  join('test', source.replace(/^src\//, '').replace(/\.ts$/, '.test.ts'));

/** True when nothing is left of a file once its types are gone. */
function onlyTypes(source: string): boolean {
  const { outputText } = ts.transpileModule(read(source), {
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      removeComments: true,
    },
  });
  return (
    outputText.replace(/export \{\};?|export \* from [^;]+;|export \{[^}]*\} from [^;]+;/g, '').trim() === ''
  );
}

test('every source has its test', () => {
  const bare = sources().filter(
    source => !existsSync(join(ROOT, testOf(source))) && !exempt.has(source) && !onlyTypes(source),
  );
  assert.deepEqual(bare, [], 'write the test, or name the one that proves the file in EXEMPT');
});

test('every exemption is still needed, and the test it names is there', () => {
  const all = new Set(sources());
  for (const { test: named, files } of EXEMPT) {
    assert.ok(existsSync(join(ROOT, named)), `${named} does not exist`);
    for (const source of files) {
      assert.ok(all.has(source), `${source} is gone; so is the reason for its exemption`);
      assert.ok(!existsSync(join(ROOT, testOf(source))), `${source} has a test now; drop its exemption`);
    }
  }
});
