/** Every source has a test of its own name, or stands here with the reason why it needs none. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import ts from 'typescript';
import { ROOT, read, sources } from './tree.ts';

/** Sources that are proven by another test than the one of their name. The reason names that test. */
const EXEMPT: Readonly<Record<string, string>> = {
  'src/cli/settings-flags.ts': 'test/cli/main.test.ts runs it through the command line',
  'src/cli/start.ts': 'test/cli/main.test.ts runs it through the command line',
  'src/cli/verbs.ts': 'a table; test/house/documents.test.ts compares it with the files beside it',
  'src/settings/problem.ts': 'one line of text; test/settings/load.test.ts compares it whole',
  'src/cli/demo/certificates.ts': 'test/cli/demo/traffic.test.ts has real clients judge its certificates',
  'src/cli/demo/client.ts': 'test/cli/demo/traffic.test.ts plays every scene through it',
  'src/cli/demo/origin.ts': 'test/cli/demo/traffic.test.ts plays every scene against it',
  'src/cli/demo/policy.ts': 'a text; test/cli/demo.test.ts runs it in the product',
};

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
    source => !existsSync(join(ROOT, testOf(source))) && !(source in EXEMPT) && !onlyTypes(source),
  );
  assert.deepEqual(bare, [], 'write the test, or name the one that proves the file in EXEMPT');
});

test('every exemption is still needed and names a test that exists', () => {
  const all = new Set(sources());
  for (const [source, reason] of Object.entries(EXEMPT)) {
    assert.ok(all.has(source), `${source} is gone; so is the reason for its exemption`);
    assert.ok(!existsSync(join(ROOT, testOf(source))), `${source} has a test now; drop its exemption`);
    for (const [named] of reason.matchAll(/test\/[\w/.-]+\.test\.ts/g))
      assert.ok(existsSync(join(ROOT, named)), `${source}: ${named} does not exist`);
    assert.match(reason, /test\/[\w/.-]+\.test\.ts/, `${source}: the reason names no test`);
  }
});
