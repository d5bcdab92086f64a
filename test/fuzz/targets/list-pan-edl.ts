import { listTarget } from '../list-target.ts';

export default listTarget('pan-edl', ['a.test\n*.b.test\nc.test/\n^.d.test\n'], ['/', '^']);
