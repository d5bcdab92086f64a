import { listTarget } from '../list-target.ts';

export default listTarget(
  'unbound',
  ['server:\n  local-zone: "ads.test." always_nxdomain\n  local-data: "b.test A 0.0.0.0"\n'],
  ['local-zone: "', "local-data: '", '" static', ' AAAA ::', '"'],
);
