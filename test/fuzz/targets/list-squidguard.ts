import { listTarget } from '../list-target.ts';

export default listTarget('squidguard', ['ads.test\n.b.test\nc.test/path\n'], ['/']);
