import { variables } from '../../server/src/platform/config/variables.ts';
import { renderTable } from './render-table.ts';

/** The table of environment variables: name, default, what it takes, meaning. */
export function renderConfiguration(): string {
  const rows = Object.entries(variables).map(([name, variable]) => [
    `\`${name}\``,
    variable.shownDefault,
    variable.taker.takes,
    variable.meaning,
  ]);
  return renderTable(['variable', 'default', 'takes', 'meaning'], rows);
}
