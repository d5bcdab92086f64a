/**
 * A reporter for node:test that counts instead of printing: one JSON object at the end. scripts/test.mjs adds up the runs
 * and says the last word. A file without a single test and a skipped test count as failures here.
 */
import { isAbsolute } from 'node:path';

/** Consume the runner's events; yields the tally as one JSON text. */
export default async function* tally(source) {
  const count = { passed: 0, failed: 0, skipped: 0, files: 0, failures: [] };
  const files = new Set();
  for await (const { type, data } of source) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    if (data.file !== undefined) files.add(data.file);
    const name = `${data.file ?? '?'}: ${data.name}`;
    // A file that holds no test is reported as one test with the file's own name.
    const isFile = data.nesting === 0 && (isAbsolute(data.name) || data.name.endsWith('.test.ts'));
    if (type === 'test:fail') {
      // A parent fails because its child did; the child has been counted.
      if (data.details?.error?.failureType === 'subtestsFailed') continue;
      count.failed++;
      count.failures.push(isFile ? `${data.name}: the file ended badly` : name);
    } else if (data.details?.type === 'suite') {
      continue;
    } else if (isFile) {
      count.failed++;
      count.failures.push(`${data.name}: holds no test`);
    } else if (data.skip !== undefined || data.todo !== undefined) {
      count.skipped++;
      count.failures.push(`${name}: skipped`);
    } else count.passed++;
  }
  count.files = files.size;
  yield JSON.stringify(count);
}
