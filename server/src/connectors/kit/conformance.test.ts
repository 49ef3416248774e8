import assert from 'node:assert/strict';
import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { type ConformanceScenarios, describeConnector, listConformanceChecks } from './conformance.ts';
import type { ActivityRecord, Connector } from './connector.ts';
import { aborted, connectorProblem, isConnectorProblem, rateLimited } from './problems.ts';

interface LedgerSettings {
  pages: string[][];
  state: 'open' | 'locked' | 'gone' | 'busy' | 'garbled';
  token: string;
}

const settingsSchema = Type.Object(
  {
    pages: Type.Array(Type.Array(Type.String()), { title: 'Pages', description: 'What there is to read.' }),
    state: Type.String({ title: 'State', description: 'How the ledger behaves.' }),
    token: Type.String({ title: 'Token', description: 'What opens the ledger.' }),
  },
  { additionalProperties: false },
);

const pageCap = 3;

/** A connector that does everything right, on pages held in memory. */
const ledger: Connector<LedgerSettings> = {
  kind: 'ledger',
  title: 'Ledger',
  settings: settingsSchema,
  check: () => Promise.resolve(),
  async *read({ pages, state }, cursor, { signal, log }) {
    refuse(state);
    const first = typeof cursor === 'number' ? cursor : 0;
    for (const [index, names] of pages.entries()) {
      await Promise.resolve();
      if (signal.aborted) throw aborted('Reading the ledger');
      if (index < first) continue;
      if (index >= pageCap) return log.warn({ pages: pages.length, pageCap }, 'only the first pages were read');
      yield { items: names.map(makeItem), removed: [], cursor: index + 1 };
    }
  },
};

function refuse(state: LedgerSettings['state']): void {
  if (state === 'locked') throw connectorProblem('bad_credentials', 'The ledger does not take this token.');
  if (state === 'gone') throw connectorProblem('not_found', 'There is no such ledger.');
  if (state === 'busy') throw rateLimited('The ledger', 30);
  if (state === 'garbled') throw connectorProblem('malformed_reply', 'The ledger answered something strange.');
}

function makeItem(name: string): ActivityRecord {
  const words = { title: `Entry ${name}`, author: 'Ada', category: 'Ledger', status: 'written' };
  const moment = { occurred_at: '2025-01-06T09:00:00Z', resolved_at: null };
  return { external_id: name, kind: 'update', impact: 'low', url: null, ...words, ...moment };
}

function makeScenarios(connector: Connector<LedgerSettings>): ConformanceScenarios<LedgerSettings> {
  const prepare = (settings: Partial<LedgerSettings>) => () =>
    Promise.resolve({ settings: { pages: [['a'], ['b']], state: 'open' as const, token: 'sesame-4711', ...settings } });
  return {
    connector,
    source: async () => {
      const { settings } = await prepare({})();
      const change = () => {
        settings.pages.push(['c']);
        return Promise.resolve({ added: ['c'], removed: [] });
      };
      return { settings, ids: ['a', 'b'], change };
    },
    badCredentials: prepare({ state: 'locked' }),
    notFound: prepare({ state: 'gone' }),
    rateLimit: prepare({ state: 'busy' }),
    malformedReply: prepare({ state: 'garbled' }),
    pageCap: prepare({ pages: [['a'], ['b'], ['c'], ['d']] }),
    secret: async () => ({ ...(await prepare({})()), secret: 'sesame-4711' }),
  };
}

describeConnector({ describe, it }, makeScenarios(ledger));

async function listFailures(connector: Connector<LedgerSettings>): Promise<string[]> {
  const failures: string[] = [];
  for (const { name, run } of listConformanceChecks(makeScenarios(connector))) {
    try {
      await run();
    } catch (error) {
      assert.ok(error instanceof assert.AssertionError, String(error));
      failures.push(name);
    }
  }
  return failures;
}

describe('the conformance suite', () => {
  it('finds a connector that forgets where it was', async () => {
    const read: typeof ledger.read = (settings, _, context) => ledger.read(settings, undefined, context);
    const failures = await listFailures({ ...ledger, read });
    expect(failures).toContain('finds nothing new when it reads twice');
    expect(failures).toContain('resumes from the cursor of each batch');
  });

  it('finds a connector that goes on after it was called off', async () => {
    const read: typeof ledger.read = (settings, cursor, context) =>
      ledger.read(settings, cursor, { ...context, signal: new AbortController().signal });
    expect(await listFailures({ ...ledger, read })).toEqual(['stops in mid-read when it is called off']);
  });

  it('finds a connector that logs its token', async () => {
    const read: typeof ledger.read = (settings, cursor, context) => {
      context.log.debug({ asked: `https://ledger.example/?t=${settings.token}` }, 'reading');
      return ledger.read(settings, cursor, context);
    };
    const failures = await listFailures({ ...ledger, read });
    expect(failures).toEqual(['never shows a secret in logs, items, cursors or problems']);
  });

  it('finds a connector that takes every failure for an empty source', async () => {
    const read: typeof ledger.read = async function* (settings, cursor, context) {
      try {
        yield* ledger.read(settings, cursor, context);
      } catch (error) {
        if (isConnectorProblem(error, 'aborted')) throw error;
      }
    };
    expect(await listFailures({ ...ledger, read })).toEqual([
      'says that credentials are refused',
      'says that the source does not exist',
      'says how long a rate limit lasts',
      'refuses a reply that it cannot read',
    ]);
  });

  it('finds a setting without a label, and a cap that is kept to in silence', async () => {
    const settings = Type.Object({ pages: Type.Array(Type.String()) }, { additionalProperties: false });
    const read: typeof ledger.read = (given, cursor, context) =>
      ledger.read({ ...given, pages: given.pages.slice(0, pageCap) }, cursor, context);
    expect(await listFailures({ ...ledger, settings, read })).toEqual([
      'labels every setting for the web form',
      'warns when a source has more pages than it takes',
    ]);
  });
});

describe('a connector problem', () => {
  it('tells whether waiting may help, and for how long', () => {
    const problem = rateLimited('The ledger', 30);
    expect(problem).toMatchObject({ code: 'rate_limited', isPassing: true, retryAfterSeconds: 30 });
    expect(connectorProblem('not_found', 'There is none.').isPassing).toBe(false);
  });

  it('is told apart from every other error, and by its code', () => {
    expect(isConnectorProblem(new Error('x'))).toBe(false);
    expect(isConnectorProblem(aborted('It'), 'not_found')).toBe(false);
    expect(isConnectorProblem(aborted('It'), 'aborted')).toBe(true);
  });
});
