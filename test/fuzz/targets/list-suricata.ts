import { listTarget } from '../list-target.ts';

export default listTarget(
  'suricata',
  [
    'drop tls any any -> any any (msg:"x"; tls.sni; dotprefix; content:".a.test"; nocase; endswith; sid:1; rev:1;)\npass tls any any -> any any (msg:"x"; tls.sni; content:"b.test"; nocase; startswith; endswith; sid:2; rev:1;)\n',
  ],
  ['tls.sni; ', 'dotprefix; ', 'content:"', '"; nocase; ', 'endswith; ', 'startswith; ', 'drop tls '],
);
