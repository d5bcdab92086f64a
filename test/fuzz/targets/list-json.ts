import { listTarget } from '../list-target.ts';

export default listTarget(
  'json',
  [
    '{"list":"x","entries":[\n{"pattern":"a.test","match":"both","comment":"\\"]"},\n"b.test"\n]}',
    '["a.test",{"domain":"*.b.test"}]',
    '{"host":"a.test"}\n{"host":"b.test"}\n',
  ],
  ['[', ']', '{', '}', '"entries":[', '"domains"', ':', '\\', '\\"', 'null', '1'],
);
