import { listTarget } from '../list-target.ts';

export default listTarget(
  'adblock',
  ['[Adblock Plus]\n! c\n||ads.test^\n@@||ok.ads.test^$important\n||*.c.test^\n/re/\nx.test##.ad\n'],
  ['||', '^', '@@', '$', '##', '|'],
);
