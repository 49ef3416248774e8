import type { IForbiddenRuleType } from 'dependency-cruiser';

/** Tests may look anywhere. */
const tests = '\\.test\\.ts$';
const features = '^server/src/features/';
const plugins = '^server/src/(connectors|exporters)/';

/** Each layer sees what stands below it, and the contract. */
const layers: IForbiddenRuleType[] = [
  {
    name: 'contract-sees-only-itself',
    comment:
      'Move what is needed into contract/, or keep it on the side that needs it: both sides import the contract.',
    from: { path: '^contract/', pathNot: tests },
    to: { pathNot: '^contract/|^node_modules/typebox/' },
  },
  {
    name: 'kernel-sees-only-itself',
    comment:
      'The kernel is pure. Pass the value in as an argument, or move the function up to the layer that it needs.',
    from: { path: '^server/src/kernel/', pathNot: tests },
    to: { path: '^(server|sdk|web)/', pathNot: '^server/src/kernel/' },
  },
  {
    name: 'analysis-sees-kernel-and-contract',
    comment: 'Analysis takes arrays and gives arrays. Let the caller read the data and pass it in.',
    from: { path: '^server/src/analysis/', pathNot: tests },
    to: { path: '^(server|sdk|web)/', pathNot: '^server/src/(analysis|kernel)/' },
  },
  {
    name: 'pure-parts-do-no-input-or-output',
    comment:
      'Kernel and analysis reach no file, socket, process or database. Let the caller do it and pass the result in.',
    from: { path: '^server/src/(kernel|analysis)/', pathNot: tests },
    to: {
      path: '^(node:)?(fs|net|http|https|http2|tls|dns|dgram|child_process|cluster|process)(/|$)|^node_modules/(pg|kysely|fastify|ioredis|undici|pino)/',
    },
  },
  {
    name: 'platform-sees-platform-and-kernel',
    comment:
      'Let the feature or app/ hand the platform a function or a value, instead of the platform reaching up for it.',
    from: { path: '^server/src/platform/', pathNot: tests },
    to: { path: '^(server|sdk|web)/', pathNot: '^server/src/(platform|kernel)/' },
  },
  {
    name: 'feature-looks-down',
    comment:
      'A feature takes what app/ composes through the arguments of its *.feature.ts; it never imports app/ or main.ts.',
    from: { path: features, pathNot: tests },
    to: {
      path: '^(server|sdk|web)/',
      pathNot: '^server/src/(features|platform|kernel|analysis|connectors|exporters)/',
    },
  },
  {
    name: 'app-looks-down',
    comment: 'Move what app/ needs into app/, and let main.ts pass it in.',
    from: { path: '^server/src/app/', pathNot: tests },
    to: { path: '^(server/src/([^/]+\\.ts$|library/)|sdk/|web/)' },
  },
  {
    name: 'library-looks-down',
    comment: 'The library is a face of app/ and the features: what both it and the server need belongs there.',
    from: { path: '^server/src/library/', pathNot: tests },
    to: { path: '^(server/src/[^/]+\\.ts$|sdk/|web/)' },
  },
  {
    name: 'sdk-sees-contract',
    comment: 'What the client shares with the server belongs into contract/.',
    from: { path: '^sdk/src/', pathNot: tests },
    to: { path: '^(server|web)/' },
  },
  {
    name: 'web-sees-contract-and-sdk',
    comment: 'Call the server through the client; what both share belongs into contract/.',
    from: { path: '^web/', pathNot: tests },
    to: { path: '^server/' },
  },
];

/** Features and plugins meet each other only where they mean to be met. */
const surfaces: IForbiddenRuleType[] = [
  {
    name: 'owner-rights-stay-in-the-platform',
    comment: 'The owner’s rights are for the platform’s own tables. Give the role a policy, or let the platform do it.',
    from: { path: '^server/src/(?!platform/)' },
    to: { path: '^server/src/platform/db/owner-rights\\.ts$' },
  },
  {
    name: 'feature-is-met-through-its-index',
    comment: 'Import the other feature’s index.ts; what it lacks there, export it by name, or take it as an argument.',
    from: { path: `${features}([^/]+)/`, pathNot: tests },
    to: { path: `${features}[^/]+/`, pathNot: [`${features}$1/`, `${features}[^/]+/index\\.ts$`] },
  },
  {
    name: 'app-meets-features-through-their-index',
    comment: 'Import the feature’s index.ts; what it lacks there, export it by name.',
    from: { path: '^server/src/(app/|library/|[^/]+\\.ts$)', pathNot: tests },
    to: { path: `${features}[^/]+/`, pathNot: `${features}[^/]+/index\\.ts$` },
  },
  {
    name: 'gatherers-import-no-product-feature',
    comment: 'These learn of the rest by what it registers (sections, metric definitions, checks): register it there.',
    from: { path: `${features}(reports|alerts|forecasts|operations)/`, pathNot: tests },
    to: { path: `${features}(weekly|businesses|assessments|projects|health|sources|signals)/` },
  },
  {
    name: 'plugins-are-met-through-their-kit',
    comment: 'Import the kit’s types; app/ lists the plugins and passes them in.',
    from: { path: '^server/src/(features|analysis|kernel|platform)/', pathNot: tests },
    to: { path: plugins, pathNot: `${plugins}kit/` },
  },
  {
    name: 'plugin-meets-no-other-plugin',
    comment: 'Move what both plugins need into the kit. The kit itself knows none of them.',
    from: { path: '^server/src/(connectors|exporters)/([^/]+)/', pathNot: tests },
    to: { path: plugins, pathNot: '^server/src/$1/($2|kit)/' },
  },
  {
    name: 'plugin-sees-its-kit-and-little-else',
    comment: 'Of the platform a plugin sees outbound, log and errors; everything else the kit hands it.',
    from: { path: plugins, pathNot: tests },
    to: {
      path: '^(server|sdk|web)/',
      pathNot: '^server/src/(connectors|exporters|kernel|platform/(outbound|log|errors))/',
    },
  },
];

/** What is wrong wherever it stands. */
const everywhere: IForbiddenRuleType[] = [
  {
    name: 'no-ring',
    comment: 'Move what both need into a third file below them, or pass one into the other as an argument.',
    from: {},
    to: { circular: true },
  },
  {
    name: 'no-orphan',
    comment: 'Nothing imports it and it imports nothing: use it or delete it.',
    from: { orphan: true, path: '^(server/src|contract|sdk|web)/', pathNot: [tests, '\\.d\\.ts$', '^web/public/'] },
    to: {},
  },
  {
    name: 'source-imports-no-test-code',
    comment: 'Move the code that both need into the source; tests, benches and tools import it from there.',
    from: { path: '^(server/src|contract|sdk/src|web)/', pathNot: tests },
    to: { path: `^(server/testing|sdk/testing|e2e|bench|tools)/|${tests}` },
  },
  {
    name: 'resolvable',
    comment: 'There is no such file or package: correct the specifier (with .ts), or declare the package.',
    from: {},
    to: { couldNotResolve: true },
  },
  {
    name: 'declared-packages-only',
    comment: 'Declare the package in the dependencies of the workspace that imports it.',
    from: { path: '^(server/src|contract|sdk/src|web)/', pathNot: tests },
    to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
  },
];

/** The first pass: file by file, arrows point down. Every comment says what to do instead. */
export const fileRules = [...layers, ...surfaces, ...everywhere];
