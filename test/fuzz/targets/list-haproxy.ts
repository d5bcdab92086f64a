import { listTarget } from '../list-target.ts';

export default listTarget('haproxy', ['# acl\na.test\n.b.test\n'], []);
