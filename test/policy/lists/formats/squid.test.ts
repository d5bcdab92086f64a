import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readList, writeList } from '../helper.ts';

describe('squid', () => {
  it('reads files and acl lines, and takes no star', async () => {
    const text = `# c
acl bad ssl::server_name .ads.test www.a.test
acl bad dstdomain -n .b.test
.c.test
acl net src 10.0.0.0/8
acl f ssl::server_name "/etc/file"
*.d.test
`;
    const { entries, rejects } = await readList('squid', text);
    assert.deepEqual(entries, ['.ads.test', 'www.a.test', '.b.test', '.c.test']);
    assert.deepEqual(rejects, [
      '5: an acl of another type',
      '6: names another file',
      '7: Squid takes a star literally',
    ]);
    assert.equal((await readList(null, 'acl x dstdomain .a.test\n')).report.format, 'squid');
  });

  it('writes names and names with subdomains, without overlaps', () => {
    const written = writeList('squid', ['.a.test', 'www.a.test', 'b.test', '*.c.test']);
    assert.deepEqual(written.lines, [['.a.test', 'b.test']]);
    assert.deepEqual([written.covered, written.withheld.total], [1, 1]);
  });
});
