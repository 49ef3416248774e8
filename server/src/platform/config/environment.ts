import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { type VariableName, type VariableValues, variables } from './variables.ts';

/** A start that a wrong setting stops: its message is the one line that the operator reads. */
export function isConfigurationProblem(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ConfigurationProblem';
}

/** Makes the error for a setting that is wrong or missing. */
export function configurationProblem(message: string): Error {
  const problem = new Error(message);
  problem.name = 'ConfigurationProblem';
  return problem;
}

/**
 * Reads the variables of the process, those of a `.env` file standing behind them. An empty value counts as unset.
 * Throws a configuration problem that names the variable, what it got (unless it is secret) and what it takes.
 */
export function readEnvironment(envFile = '.env', environment: NodeJS.ProcessEnv = process.env): VariableValues {
  const fromFile = readEnvFile(envFile);
  const values: Partial<Record<VariableName, unknown>> = {};
  for (const name of Object.keys(variables) as VariableName[]) {
    const text = environment[name] ?? fromFile[name];
    if (text === undefined || text === '') continue;
    const { taker, ...variable } = variables[name];
    const value = taker.read(text);
    if (value === undefined) {
      const got = 'secret' in variable ? 'a value that it does not take' : quoteOnOneLine(text);
      throw configurationProblem(`${name} got ${got}: it takes ${taker.takes}.`);
    }
    values[name] = value;
  }
  return values as VariableValues;
}

const maxQuoted = 100;

function quoteOnOneLine(text: string): string {
  const short = text.length > maxQuoted ? `${text.slice(0, maxQuoted)}…` : text;
  return `'${JSON.stringify(short).slice(1, -1).replaceAll('\\"', '"')}'`;
}

function readEnvFile(path: string): NodeJS.Dict<string> {
  try {
    return parseEnv(readFileSync(path, 'utf8'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return {};
    throw configurationProblem(`The file ${path} cannot be read (${code}): make it readable, or remove it.`);
  }
}
