import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readList, writeList } from '../helper.ts';

describe('nginx', () => {
  it('reads maps', async () => {
    const text = `map $ssl_preread_server_name $x {
  hostnames;
  default 0;
  .a.test 1;
  *.b.test backend;
  "c.test" 1;
  .ok.a.test 0;
  ~^x 1;
  www.d.* 1;
  broken
}
`;
    const { entries, rejects } = await readList(null, text);
    assert.deepEqual(entries, ['.a.test', '*.b.test', 'c.test', 'allow .ok.a.test']);
    assert.deepEqual(rejects, [
      '8: a regular expression',
      '9: a star at the end',
      '10: not of the form name value;',
    ]);
  });

  it('writes every kind, exceptions as 0, and a variable that nginx accepts', () => {
    const written = writeList('nginx', ['.a.test', 'b.test', '*.c.test'], {
      exceptions: ['ok.a.test'],
      name: 'my-list.1',
    });
    assert.deepEqual(written.lines, [
      [
        'map $ssl_preread_server_name $sightglass_my_list_1 {',
        '  hostnames;',
        '  default 0;',
        '  .a.test 1;',
        '  b.test 1;',
        '  *.c.test 1;',
        '  ok.a.test 0;',
        '}',
      ],
    ]);
  });

  it('hosts that are called like words of nginx keep their meaning', async () => {
    const { lines, texts } = writeList('nginx', ['default', 'include']);
    assert.deepEqual(lines[0]?.slice(3, 5), ['  \\default 1;', '  \\include 1;']);
    assert.deepEqual((await readList('nginx', texts['names.nginx.conf'] ?? '')).entries, [
      'default',
      'include',
    ]);
  });
});
