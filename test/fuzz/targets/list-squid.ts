import { listTarget } from '../list-target.ts';

export default listTarget(
  'squid',
  ['# c\n.ads.test\nwww.a.test\nacl x ssl::server_name -n .b.test c.test\n'],
  ['acl x dstdomain ', 'acl ', ' -n '],
);
