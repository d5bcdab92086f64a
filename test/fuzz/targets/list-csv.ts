import { listTarget } from '../list-target.ts';

export default listTarget(
  'csv',
  [
    'pattern,match,action,comment\na.test,both,deny,"x ""y""\nz"\nb.test,exact,,\'=1\n',
    '1,google.test\n2,b.test\n',
    'domain\na.test\n',
  ],
  ['"', '""', ',', 'pattern,', 'match', 'both', "'=", '\r'],
);
