import { listTarget } from '../list-target.ts';

export default listTarget(
  'plain',
  ['# c\nexample.com\n*.a.test\n.b.test # x\nhttp://c.test/\n'],
  ['http://', '//', ':443'],
);
