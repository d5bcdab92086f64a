import { listTarget } from '../list-target.ts';

export default listTarget(
  'nginx',
  ['map $a $b {\n  hostnames;\n  default 0;\n  .a.test 1;\n  *.b.test 1;\n  c.test 0;\n}\n'],
  [' 1;', ' 0;', 'hostnames;', '~^', 'map $a $b {', '}', 'default '],
);
