import { listTarget } from '../list-target.ts';

export default listTarget(
  'hosts',
  ['127.0.0.1 localhost\n0.0.0.0 ads.test a.test # x\n:: b.test\n10.0.0.1 c.test\n'],
  ['0.0.0.0 ', '::1 ', '127.0.0.1\t'],
);
