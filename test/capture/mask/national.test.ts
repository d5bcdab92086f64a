/**
 * National numbers: published examples of each set are found, with another check character they are not. Where a set has no
 * check sum, what its form excludes is not.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NATIONAL_SETS, type NationalSet } from '../../../src/core/masking.ts';
import { nationalAt } from '../../../src/capture/mask/national.ts';

const EXAMPLES: Record<NationalSet, { valid: string[]; invalid: string[] }> = {
  'at-svnr': { valid: ['1237 010180', '1237010180'], invalid: ['1238 010180', '0237 010180'] },
  'be-nrn': { valid: ['85.07.30-033.28', '85073003328'], invalid: ['85.07.30-033.29', '85.13.30-033.28'] },
  'br-cpf': { valid: ['111.444.777-35', '52998224725'], invalid: ['111.444.777-36', '111.111.111-11'] },
  'ch-ahv': {
    valid: ['756.9217.0769.85', '7569217076985'],
    invalid: ['756.9217.0769.84', '757.9217.0769.85'],
  },
  'de-idnr': {
    valid: ['86095742719', '47 036 892 816'],
    invalid: ['86095742718', '12345678912', '11111111111'],
  },
  'dk-cpr': { valid: ['010190-1234'], invalid: ['0101901234', '320190-1234', '011390-1234'] },
  'es-dni': {
    valid: ['12345678Z', '12345678-z', 'X1234567L'],
    invalid: ['12345678A', 'X1234567M', '1234567L'],
  },
  'fi-hetu': { valid: ['131052-308T'], invalid: ['131052-308U', '321052-308T'] },
  'fr-nir': {
    valid: ['255081416802538', '2 55 08 14 168 025 38'],
    invalid: ['255081416802539', '955081416802538'],
  },
  'it-cf': {
    valid: ['MRTMTT25D09F205Z', 'mrtmtt25d09f205z'],
    invalid: ['MRTMTT25D09F205A', 'MRTMTT25D09F20'],
  },
  'nl-bsn': { valid: ['111222333', '123456782'], invalid: ['123456783', '000000000', '1234567820'] },
  'no-fnr': { valid: ['29029600013', '290296 00013'], invalid: ['29029600014', '49029600013'] },
  'pl-pesel': { valid: ['44051401359'], invalid: ['44051401358', '44053201359'] },
  'se-pnr': {
    valid: ['811218-9876', '19811218-9876', '8112189876'],
    invalid: ['811218-9875', '811318-9876'],
  },
  'uk-nino': { valid: ['AB123456C', 'AB 12 34 56 C'], invalid: ['QQ123456C', 'GB123456C', 'AB123456E'] },
  'us-ssn': {
    valid: ['536-90-4399', '078 05 1120'],
    invalid: ['536904399', '666-90-4399', '536-00-4399', '536-90-0000', '536-90 4399'],
  },
};

for (const set of NATIONAL_SETS)
  describe(set, () => {
    for (const text of EXAMPLES[set].valid)
      test(text, () => {
        assert.deepEqual(nationalAt(`a: ${text}, b`, 3, [set]), { end: 3 + text.length, set });
        assert.equal(nationalAt(`${text}7`, 0, [set]), null, 'more digits behind');
      });
    for (const text of EXAMPLES[set].invalid)
      test(`not: ${text}`, () => assert.equal(nationalAt(text, 0, [set]), null));
  });

test('only the sets that are asked for are looked for', () => {
  assert.equal(nationalAt('44051401359', 0, ['us-ssn', 'dk-cpr']), null);
  assert.equal(nationalAt('44051401359', 0, []), null);
});

test('of random numbers with a check sum, few are of a set', () => {
  for (const set of ['nl-bsn', 'de-idnr', 'pl-pesel', 'no-fnr', 'fr-nir'] as const) {
    let found = 0;
    const length = (EXAMPLES[set].valid[0] ?? '').length;
    for (let i = 0; i < 5000; i++) {
      const n = (10n ** BigInt(length - 1) + BigInt(i) * 982_451_653n) % 10n ** BigInt(length);
      if (nationalAt(n.toString().padStart(length, '0'), 0, [set]) !== null) found++;
    }
    assert.ok(found < 5000 * 0.15, `${set}: ${found}`);
  }
});
