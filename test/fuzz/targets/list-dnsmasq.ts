import { listTarget } from '../list-target.ts';

export default listTarget(
  'dnsmasq',
  ['address=/ads.test/\naddress=/a.test/b.test/0.0.0.0\nserver=/ok.test/#\nlocal=/c.test/\n'],
  ['address=/', 'server=/', '/#', '/0.0.0.0', 'local=/'],
);
