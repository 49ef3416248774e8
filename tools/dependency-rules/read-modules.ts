import { existsSync } from 'node:fs';
import { cruise, type ICruiseOptions, type ICruiseResult, type IForbiddenRuleType } from 'dependency-cruiser';

const folders = ['contract', 'sdk', 'web', 'server', 'e2e', 'bench', 'tools'];

const options: ICruiseOptions = {
  validate: true,
  doNotFollow: { path: 'node_modules' },
  tsPreCompilationDeps: true,
  enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
};

/** Reads every module of the repository with what it imports, types included, and checks the rules given. */
export async function readModules(rules: readonly IForbiddenRuleType[]): Promise<ICruiseResult> {
  const forbidden = rules.map((rule) => ({ severity: 'error' as const, ...rule }));
  const present = folders.filter((folder) => existsSync(folder));
  const { output } = await cruise(present, { ...options, ruleSet: { forbidden } });
  if (typeof output === 'string') throw new Error(`dependency-cruiser answered with text: ${output}`);
  return output;
}
