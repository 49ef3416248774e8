import { commands } from './app/commands/commands.ts';
import { isConfigurationProblem } from './platform/config/environment.ts';

const [name = 'start', ...words] = process.argv.slice(2);
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;

try {
  if (!command) {
    const known = Object.entries(commands).map(([word, { usage }]) => `  almanac ${word.padEnd(8)} ${usage}`);
    const isAskedFor = ['help', '--help', '-h'].includes(name);
    const stream = isAskedFor ? process.stdout : process.stderr;
    stream.write(`${isAskedFor ? '' : `There is no command '${name}'.\n`}Usage:\n${known.join('\n')}\n`);
    process.exitCode = isAskedFor ? 0 : 2;
  } else {
    await command.run(words);
  }
} catch (error) {
  // One line for what the operator can mend; a trace only for what is our fault.
  const isForOperator =
    isConfigurationProblem(error) || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS');
  process.stderr.write(`${isForOperator ? `almanac: ${(error as Error).message}` : String((error as Error).stack)}\n`);
  process.exit(1);
}
