/** Who may import whom. docs/architecture.md says why. */
const rooms = '^(gateway|subgraphs|workers|schema|platform|web|cli|tests|bench)/';
const only = (name, from, allowed, comment) => ({ name, comment, severity: 'error', from, to: { path: rooms, pathNot: allowed } });
const main = '(^|/)main\\.ts$';
const test = '(\\.test\\.tsx?$|(^|/)tests?/)';

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    only('schema-imports-no-room', { path: '^schema/', pathNot: test }, '^schema/', 'schema is what all agree on'),
    only(
      'execution-is-pure',
      { path: '^gateway/execution/', pathNot: test },
      '^(gateway/execution|schema/contracts)/',
      'it also runs in the workflow sandbox',
    ),
    {
      name: 'execution-has-no-package',
      severity: 'error',
      from: { path: '^gateway/execution/', pathNot: test },
      to: { dependencyTypes: ['npm', 'core', 'npm-dev'] },
    },
    {
      name: 'contracts-have-no-package',
      severity: 'error',
      from: { path: '^schema/contracts/', pathNot: test },
      to: { dependencyTypes: ['npm', 'core', 'npm-dev'] },
    },
    only(
      'workflows-are-sandboxed',
      { path: '^workers/workflows/', pathNot: test },
      '^(workers/workflows|gateway/execution|schema/contracts)/',
      'no I/O in workflow code',
    ),
    {
      name: 'workflows-use-temporal-only',
      severity: 'error',
      from: { path: '^workers/workflows/', pathNot: test },
      to: { dependencyTypes: ['npm', 'core'], pathNot: 'node_modules/@temporalio/(workflow|common)/' },
    },
    {
      name: 'one-door-to-temporal',
      severity: 'error',
      from: { path: '^(gateway|subgraphs|cli|web)/', pathNot: [main, test, '^cli/start/'] },
      to: { path: 'node_modules/@temporalio/' },
    },
    {
      name: 'reach-workers-by-the-door',
      severity: 'error',
      from: { path: '^(gateway|subgraphs)/', pathNot: [main, test] },
      to: { path: '^workers/', pathNot: '^workers/client/' },
    },
    {
      name: 'roles-load-what-they-run',
      comment: 'a service starts in a third of the time without the other roles, Apollo and Temporal: each is imported where it is needed',
      severity: 'error',
      from: { path: '^cli/start/' },
      to: {
        path: [
          '^cli/start/[a-z-]+-role\\.ts$',
          '^gateway/main\\.ts$',
          '^platform/payload-(codec|store/payload-store)\\.ts$',
          '^workers/(host|client/connect-durable)\\.ts$',
          'node_modules/@temporalio/',
        ],
        dependencyTypesNot: ['dynamic-import', 'type-only'],
      },
    },
    only('platform-imports-no-room', { path: '^platform/', pathNot: test }, '^(platform|schema/contracts)/', 'plumbing knows no domain'),
    {
      name: 'no-subgraph-imports-another',
      severity: 'error',
      from: { path: '^subgraphs/([^/]+)/', pathNot: [main, test] },
      to: { path: '^subgraphs/', pathNot: ['^subgraphs/$1/', '^subgraphs/shared/'] },
    },
    only(
      'subgraphs',
      { path: '^subgraphs/', pathNot: [main, test] },
      '^(subgraphs|schema|platform|workers/client)/',
      'subgraphs do not know the gateway',
    ),
    only(
      'gateway',
      { path: '^gateway/', pathNot: [main, test] },
      '^(gateway|schema|platform|workers/client)/',
      'the gateway does not know the subgraphs',
    ),
    only(
      'workers',
      { path: '^workers/(activities|client)/', pathNot: test },
      '^(workers/(activities|client)|schema|platform)/',
      'adapters come as ports, wired in main.ts',
    ),
    only('web', { path: '^web/' }, '^(web|schema/(contracts|generated))/', 'the browser gets contracts and generated types'),
    {
      name: 'nothing-imports-tests',
      severity: 'error',
      from: { pathNot: ['^(tests|bench|scripts)/', test, 'vitest'] },
      to: { path: '^(tests|bench)/' },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: ['node_modules'] },
    exclude: { path: ['(^|/)dist/', '^\\.cache/'] },
    enhancedResolveOptions: {
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.js', '.mjs', '.cjs', '.json'],
    },
  },
};
