import process from 'node:process';

/** Variables of this process that git needs to be found and to find the operator's own settings (safe.directory). */
const passedOn = ['PATH', 'HOME', 'XDG_CONFIG_HOME', 'USERPROFILE', 'SystemRoot'];

const fixed = {
  // Fixes the language of messages, which are told apart by their words.
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_TERMINAL_PROMPT: '0',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_GRAFT_FILE: '/dev/null',
  // A partial clone fetches what it lacks when it is read, with a command of its own choosing. A repository's
  // `protocol.<name>.allow` outranks `protocol.allow`, but not this list, which names no true protocol.
  GIT_ALLOW_PROTOCOL: 'none',
  GIT_NO_LAZY_FETCH: '1',
};

/**
 * Goes before each subcommand, so that nothing that a repository's configuration names is run or read. Pagers, aliases
 * of built-in commands, editors and signature programs are out of reach of the plumbing that we call.
 */
export const safeArguments: readonly string[] = [
  '--no-pager',
  '--no-replace-objects',
  '--no-optional-locks',
  '--literal-pathspecs',
  ...[
    'core.hooksPath=/dev/null',
    'core.fsmonitor=false',
    'core.sshCommand=false',
    'core.attributesFile=/dev/null',
    'diff.external=',
    'log.showSignature=false',
    'mailmap.file=/dev/null',
    'protocol.allow=never',
    'credential.helper=',
    'advice.graftFileDeprecated=false',
    'i18n.logOutputEncoding=UTF-8',
    // Larger files count as binary: comparing them would take memory without bound.
    'core.bigFileThreshold=16m',
  ].flatMap((setting) => ['-c', setting]),
];

/** The whole environment of a git process: what it needs, and none of the server's secrets or GIT_* variables. */
export function gitEnvironment(): Record<string, string> {
  const environment: Record<string, string> = { ...fixed };
  for (const name of passedOn) {
    // biome-ignore lint/style/noProcessEnv: a child process is given this process's search path and home, and no more.
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}
