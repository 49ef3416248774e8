import { type ConnectorProblem, connectorProblem } from '#connectors/kit/problems.ts';

interface GitFailure {
  folder: string;
  /** What git wrote to standard error. */
  words: string;
  exitCode: number | null;
  endedBy: NodeJS.Signals | null;
}

/** The problem when there is no git program to run. */
export function gitMissing(cause: unknown): ConnectorProblem {
  return connectorProblem('missing_program', 'The git program was not found. Install git, or add it to PATH.', cause);
}

/** Turns the way in which git failed into words for the person who set up the source. */
export function explainGitFailure({ folder, words, exitCode, endedBy }: GitFailure): ConnectorProblem {
  if (/not a git repository/i.test(words)) {
    return connectorProblem('not_found', `'${folder}' is not a git repository, nor inside one. Name a folder that is.`);
  }
  if (/dubious ownership|unsafe repository/i.test(words)) {
    const remedy = `git config --global --add safe.directory '${folder}'`;
    const advice = `If you trust it, run as the user that runs the server: ${remedy}`;
    return connectorProblem('forbidden', `The repository '${folder}' belongs to another user. ${advice}`);
  }
  if (/cannot change to .*No such file/i.test(words)) {
    return connectorProblem('not_found', `There is no folder '${folder}'.`);
  }
  if (/permission denied/i.test(words)) {
    return connectorProblem('forbidden', `The server's user may not read '${folder}'.`);
  }
  const said = quoteFailure(words) || `it ended with ${endedBy ?? `code ${exitCode}`}`;
  const advice = `'git -C ${folder} fsck' may tell more.`;
  return connectorProblem('malformed_reply', `git could not read '${folder}': ${said}. ${advice}`);
}

/** The line that says why, without the credentials that an address in it may hold. */
function quoteFailure(words: string): string {
  const lines = words.split('\n');
  const line = lines.find((candidate) => /^(fatal|error):/.test(candidate)) ?? lines[0] ?? '';
  return line
    .replace(/:\/\/[^/@\s]*@/g, '://')
    .trim()
    .slice(0, 300);
}
