/** What a replay would tell, for the pages of policy: connections and requests, hostile names among them. */
import type { ReplayView } from '../../../web/contract.ts';
import { ago, DAY, HOSTILE } from './fake-lists.ts';

function requestsOf(): NonNullable<ReplayView['requests']> {
  const asked = (value: string, flows: number) => ({ value, flows });
  return {
    requests: 190_004,
    changed: 312,
    otherManner: 7,
    manners: [],
    changes: [
      {
        from: 'inspect',
        to: 'block',
        requests: 312,
        flows: 81,
        hosts: 2,
        users: 9,
        clients: 9,
        topHosts: [asked('files.example.net', 300), asked(HOSTILE.host, 12)],
        topUsers: [asked('bogdan', 211), asked(HOSTILE.user, 3)],
        topClients: [asked('10.1.7.9', 33)],
        topRequests: [asked('POST /upload', 300), asked(`POST /${HOSTILE.host}`, 12)],
        topRules: [{ from: 'uploads', to: 'no-upload', flows: 312 }],
        exact: true,
      },
    ],
    hits: [{ rule: 'no-upload', flows: 312 }],
    left: { withFlow: 4_711, undecided: 3, masked: 0, flowGone: 0 },
  };
}

export function replayOf(): ReplayView {
  const host = (value: string, flows: number) => ({ value, flows });
  return {
    policy: '77aa10cc5e21',
    since: ago(DAY),
    flows: 84_112,
    undecided: 210,
    unchanged: 82_870,
    changed: 1_242,
    otherManner: 44,
    manners: [
      {
        ...{ what: 'parent', from: null, to: 'corp', count: 44, hosts: 2, users: 1, clients: 1 },
        topHosts: [host('files.example.net', 40), host(HOSTILE.host, 4)],
        ...{ topUsers: [host('bo', 44)], topClients: [host('10.1.7.9', 44)] },
        topRules: [{ from: 'default', to: 'default', flows: 44 }],
        exact: true,
      },
    ],
    byRequests: 0,
    requestsUnknown: 1_201,
    originUnknown: 12,
    requests: requestsOf(),
    from: ago(DAY),
    to: ago(1000),
    changes: [
      {
        from: 'passthrough',
        to: 'inspect',
        flows: 1_201,
        hosts: 14,
        users: 61,
        clients: 70,
        topHosts: [host('www.bank.example', 640), host('api.payments.example', 311), host(HOSTILE.host, 7)],
        topUsers: [host('chioma', 120), host('bo', 88), host(HOSTILE.user, 3)],
        topClients: [host('10.1.2.3', 120)],
        topRules: [{ from: 'finance', to: 'web', flows: 1_201 }],
        exact: true,
      },
      {
        from: 'inspect',
        to: 'block',
        flows: 41,
        hosts: 2,
        users: 0,
        clients: 5,
        topHosts: [host('files.example.net', 40)],
        topUsers: [],
        topClients: [host('10.1.7.9', 33)],
        topRules: [{ from: 'uploads', to: 'gambling', flows: 41 }],
        exact: true,
      },
    ],
    hits: [
      { rule: 'gambling', flows: 41 },
      { rule: 'finance', flows: 0 },
      { rule: 'web', flows: 80_000 },
    ],
    complete: true,
  };
}
