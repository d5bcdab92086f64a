// The arrows of docs/architecture.md (rooms and import direction). A room imports only from floors below it.
// tsPreCompilationDeps: type imports count, a type is knowledge too.
const room = (name, path, allowed) => ({
  name: `${name}-imports-only-below`,
  severity: 'error',
  from: { path },
  to: { path: '^(src|ca|web)/', pathNot: [path, ...allowed] },
});
const pure = [
  '^src/core/',
  '^src/wire/',
  '^src/capture/',
  '^src/policy/(decide|compile|domain-set|rule|explain)\\.ts$',
];

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-unresolvable',
      comment: 'vite/client holds declarations only, which the resolver does not look for.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^vite/client$' },
    },
    {
      name: 'no-dev-dependency-in-product',
      severity: 'error',
      from: { path: '^(src|ca|web/server)/' },
      to: { dependencyTypes: ['npm-dev'], pathNot: '@types/' },
    },
    room('core', '^src/core/', []),
    room('wire', '^src/wire/', ['^src/core/']),
    room('settings', '^src/settings/', ['^src/core/']),
    room('ca', '^ca/', ['^src/core/']),
    room('policy', '^src/policy/', ['^src/core/']),
    room('capture', '^src/capture/', ['^src/core/', '^src/wire/']),
    room('audit', '^src/audit/', ['^src/core/']),
    room('proxy', '^src/proxy/', [
      '^src/core/',
      '^src/wire/',
      '^src/policy/(decide|rule|compile)',
      '^src/capture/',
      '^src/settings/',
    ]),
    room('web-contract', '^web/contract\\.ts$', []),
    room('web-server', '^web/server/', [
      '^src/core/',
      '^src/policy/',
      '^src/audit/',
      '^ca/',
      '^src/settings/',
      '^web/contract\\.ts$',
    ]),
    room('web-client', '^web/client/', ['^web/contract\\.ts$']),
    {
      name: 'control-not-the-client',
      severity: 'error',
      from: { path: '^src/control/' },
      to: { path: '^(web/client|src/cli)/' },
    },
    {
      name: 'pure-rooms-do-no-io',
      comment: 'Parsers and decisions own no sockets and no files.',
      severity: 'error',
      from: { path: pure },
      to: {
        path: '^(node:)?(net|tls|http|https|http2|fs|fs/promises|dgram|dns|child_process|worker_threads|cluster)$|^node_modules/better-sqlite3',
      },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.tsx', '.js', '.json'],
      conditionNames: ['import', 'require', 'node', 'default'],
    },
  },
};
