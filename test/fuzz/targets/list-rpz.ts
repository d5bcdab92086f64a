import { listTarget } from '../list-target.ts';

export default listTarget(
  'rpz',
  [
    '$TTL 1h\n$ORIGIN rpz.local.\n@ SOA a. b. ( 1 2\n3 4 5 )\n@ NS localhost.\nads.test CNAME .\n*.ads.test 60 IN CNAME *.\n CNAME rpz-passthru.\nb.test A 0.0.0.0\n',
  ],
  [' CNAME .', '$ORIGIN ', '(', ')', ';', ' IN ', ' A 0.0.0.0', '.'],
);
