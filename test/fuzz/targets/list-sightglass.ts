import { listTarget } from '../list-target.ts';

export default listTarget(
  'sightglass',
  [
    'version: 1\nlists:\n  x:\n    domains:\n      - \'a.test\'\n      - *.b.test\n      - ".c.test" # d\n  y: { domains: [ d.test ] }\nrules: []\n',
  ],
  ['domains:', '  - ', "'", "- '", 'lists:', '['],
);
