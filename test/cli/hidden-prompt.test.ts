import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { PromptCancelledError, readHidden } from '../../src/cli/hidden-prompt.ts';
import type { Terminal } from '../../src/cli/hidden-prompt.ts';

class FakeTerminal extends EventEmitter implements Terminal {
  raw = false;
  modes: boolean[] = [];
  setRawMode(on: boolean): void {
    this.raw = on;
    this.modes.push(on);
  }
  resume(): void {}
  pause(): void {}
}

/** Types the chunks into a prompt; what came of it and what the screen showed. */
async function ask(
  chunks: (string | Buffer)[],
  max = 20,
): Promise<{ got: string; shown: string; modes: boolean[] }> {
  const terminal = new FakeTerminal();
  let shown = '';
  const answer = readHidden('Password: ', terminal, { write: text => (shown += text) }, max);
  for (const chunk of chunks) {
    assert.equal(terminal.raw, true);
    terminal.emit('data', Buffer.from(chunk));
  }
  try {
    return { got: await answer, shown, modes: terminal.modes };
  } finally {
    assert.equal(terminal.raw, false, 'the terminal is put back');
    assert.equal(terminal.listenerCount('data'), 0);
    assert.equal(terminal.listenerCount('end'), 0);
  }
}

test('nothing typed is shown, and the terminal is put back', async () => {
  assert.deepEqual(await ask(['sec', 'ret', '\r']), {
    got: 'secret',
    shown: 'Password: \n',
    modes: [true, false],
  });
});

test('editing keys, split characters and the bound', async () => {
  const eur = Buffer.from('€');
  const table: [(string | Buffer)[], string][] = [
    [['secrex\u007f', 't\n'], 'secret'],
    [['wrong\u0015right\r'], 'right'],
    [['\u007f\u007fa\b\bb\r'], 'b'],
    [[eur.subarray(0, 1), eur.subarray(1), '\r'], '€'],
    [['a\u0004b\u001b\tc\r'], 'abc'],
    [['x'.repeat(50), '\r'], 'x'.repeat(20)],
    [['\r'], ''],
  ];
  for (const [chunks, wanted] of table) assert.equal((await ask(chunks)).got, wanted);
});

test('Ctrl-C anywhere, Ctrl-D on an empty line and a closed terminal cancel', async () => {
  await assert.rejects(ask(['sec\u0003']), PromptCancelledError);
  await assert.rejects(ask(['\u0004']), PromptCancelledError);
  const terminal = new FakeTerminal();
  const answer = readHidden('', terminal, { write: () => undefined }, 20);
  terminal.emit('end');
  await assert.rejects(answer, PromptCancelledError);
  assert.equal(terminal.raw, false);
});
