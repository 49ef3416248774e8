import { shapeConfig } from '#platform/config/config.ts';
import { readEnvironment } from '#platform/config/environment.ts';
import { type VariableName, variables } from '#platform/config/variables.ts';

/** `almanac config`: each variable as it counts, secrets masked; fails like a start would on a wrong one. */
export async function runConfig(): Promise<void> {
  const values = readEnvironment();
  shapeConfig(values);
  for (const name of Object.keys(variables) as VariableName[]) {
    const variable = variables[name];
    const value = values[name];
    const isSecret = 'secret' in variable;
    const shown = value === undefined ? `(${variable.shownDefault})` : showValue(isSecret ? '********' : value);
    process.stdout.write(`${name}=${shown}\n`);
  }
}

function showValue(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return Array.isArray(value) ? value.join(',') || 'off' : String(value);
}
