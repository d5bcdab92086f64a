import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { entry, readList, writeList, writeSelection } from '../helper.ts';

describe('csv', () => {
  it('reads its own columns, names other people give them, and lists of ranks', async () => {
    const own = await readList(
      null,
      'pattern,match,action,comment\r\na.test,both,deny,"x, ""y"""\r\nb.test,exact,,\r\n',
    );
    assert.deepEqual(own.entries, ['deny .a.test', 'b.test']);
    assert.equal(own.full[0]?.comment, 'x, "y"');
    assert.equal((await readList(null, 'Hostname,Owner\n*.a.test,me\n')).full[0]?.addedBy, 'me');
    assert.deepEqual((await readList(null, '1,google.test\n2,b.test\n')).entries, ['google.test', 'b.test']);
    assert.deepEqual((await readList(null, 'domain\na.test\n')).entries, ['a.test']);
  });

  it('tells bad rows by the line they begin at, also after cells of several lines', async () => {
    const text =
      'pattern,match,action,comment\na.test,exact,deny,"two\nlines"\nb.test,sideways,,\n' +
      'c.test,,dance,\n,exact,,\nbad..name,,,\n"open\n';
    const { entries, rejects, full } = await readList('csv', text);
    assert.deepEqual(entries, ['deny a.test']);
    assert.equal(full[0]?.comment, 'two\nlines');
    assert.deepEqual(rejects, [
      '4: match is none of exact, subdomains, both',
      '5: action is none of deny, allow, passthrough',
      '6: no pattern',
      '7: empty label',
      '8: a quote that is never closed',
    ]);
  });

  const comments = ['=1+1', '+x', '-x', '@x', "'=x", "it's", '\tx', ' x ', '#x', 'a\nb', 'a\r\nb', '""', ','];
  for (const comment of comments)
    it(`writes ${JSON.stringify(comment)} so that no spreadsheet runs it, and reads it back`, async () => {
      const entries = [{ ...entry('a.test'), comment }];
      const written = writeSelection('csv', { action: 'deny', entries, exceptions: [], notes: [] });
      const text = written.texts['names.csv'] ?? '';
      assert.doesNotMatch(text.split('\n')[1] ?? '', /,"?[=+@\t-]/);
      assert.equal((await readList('csv', text)).full[0]?.comment, comment);
    });

  it('writes exceptions as rows of their own action', () => {
    assert.deepEqual(writeList('csv', ['.a.test'], { exceptions: ['.ok.a.test'] }).lines, [
      [
        'pattern,match,action,source,category,comment,added_by,expires',
        'a.test,both,deny,,,,,',
        'ok.a.test,both,allow,,,,,',
      ],
    ]);
  });
});
