import assert from 'node:assert/strict';
import type { DestinationStream } from 'pino';
import { createLog, type Log } from '#platform/log/log.ts';
import { assertBatch, assertLabelled, assertRecord } from './conformance-assertions.ts';
import type { ActivityBatch, Connector, ConnectorContext, JsonValue } from './connector.ts';
import { type ConnectorProblemCode, isConnectorProblem } from './problems.ts';

/** A source made for one test. */
export interface PreparedSource<Settings> {
  settings: Settings;
  close?: () => Promise<void> | void;
}

/** What one scenario needs, or the reason why the connector cannot come into it. */
export type Scenario<Needs> = Needs | { doesNotApply: string };

type Prepare<Settings> = () => Promise<PreparedSource<Settings>>;

export interface ConformanceScenarios<Settings> {
  connector: Connector<Settings>;
  /**
   * A source that is read in at least two batches, the first with a cursor. `ids` are the external ids of everything in
   * it; `change` changes it and tells what the next read must bring.
   */
  source: () => Promise<PreparedSource<Settings> & { ids: string[]; change: () => Promise<ExpectedChange> }>;
  /** Credentials that are refused, or what stands for them: a source that exists and may not be read. */
  badCredentials: Scenario<Prepare<Settings>>;
  notFound: Scenario<Prepare<Settings>>;
  rateLimit: Scenario<Prepare<Settings>>;
  malformedReply: Scenario<Prepare<Settings>>;
  /** More pages than the connector takes: the read ends in order, and a warning says so. */
  pageCap: Scenario<Prepare<Settings>>;
  /** A readable source with a secret in its settings or its replies. */
  secret: Scenario<() => Promise<PreparedSource<Settings> & { secret: string }>>;
}

export interface ExpectedChange {
  added: string[];
  removed: string[];
}

/** What is needed of the test runner; vitest's own fit. */
export interface TestRunner {
  describe: (name: string, body: () => void) => unknown;
  it: (name: string, body: (context: { skip: (note?: string) => unknown }) => Promise<void>) => unknown;
}

interface Check {
  name: string;
  doesNotApply?: string;
  run: () => Promise<void> | void;
}

/** The habits that every connector keeps, as tests: `describeConnector({ describe, it }, { connector, … })`. */
export function describeConnector<Settings>(runner: TestRunner, scenarios: ConformanceScenarios<Settings>): void {
  runner.describe(`the connector '${scenarios.connector.kind}'`, () => {
    for (const { name, doesNotApply, run } of listConformanceChecks(scenarios)) {
      runner.it(name, async ({ skip }) => {
        if (doesNotApply !== undefined) skip(`does not apply: ${doesNotApply}`);
        else await run();
      });
    }
  });
}

/** The same as a list, to be run by hand. Each `run` throws an AssertionError where the connector fails. */
export function listConformanceChecks<Settings>(scenarios: ConformanceScenarios<Settings>): Check[] {
  const { connector, source } = scenarios;
  const failing = (name: string, prepare: Scenario<Prepare<Settings>>, codes: ConnectorProblemCode[]): Check => ({
    name,
    ...applying(prepare, (given) => using(given, ({ settings }) => assertFails(connector, settings, codes))),
  });
  const reading = (name: string, run: (given: Awaited<ReturnType<typeof source>>) => Promise<void>): Check => ({
    name,
    run: () => using(source, run),
  });
  return [
    { name: 'labels every setting for the web form', run: () => assertLabelled(connector.settings) },
    reading('reads all there is, in batches that can be stored', (given) => assertReadsAll(connector, given)),
    reading('finds nothing new when it reads twice', (given) => assertReadsNothingTwice(connector, given)),
    reading('resumes from the cursor of each batch', (given) => assertResumes(connector, given)),
    reading('brings what changed since the last read, and no more', (given) => assertReadsChange(connector, given)),
    reading('stops in mid-read when it is called off', (given) => assertStops(connector, given.settings)),
    failing('says that credentials are refused', scenarios.badCredentials, ['bad_credentials', 'forbidden']),
    failing('says that the source does not exist', scenarios.notFound, ['not_found']),
    failing('says how long a rate limit lasts', scenarios.rateLimit, ['rate_limited']),
    failing('refuses a reply that it cannot read', scenarios.malformedReply, ['malformed_reply']),
    {
      name: 'warns when a source has more pages than it takes',
      ...applying(scenarios.pageCap, (given) => using(given, ({ settings }) => assertWarns(connector, settings))),
    },
    {
      name: 'never shows a secret in logs, items, cursors or problems',
      ...applying(scenarios.secret, (given) => using(given, (prepared) => assertKeepsSecret(connector, prepared))),
    },
  ];
}

type Given<Settings> = Awaited<ReturnType<ConformanceScenarios<Settings>['source']>>;

async function assertReadsAll<Settings>(connector: Connector<Settings>, given: Given<Settings>): Promise<void> {
  await connector.check(given.settings, makeContext().context);
  const batches = await readAll(connector, given.settings);
  assert.ok(batches.length > 1, 'the source of this scenario must take at least two batches');
  for (const batch of batches) assertBatch(batch);
  for (const item of batches.flatMap(({ items }) => items)) assertRecord(item);
  assert.deepEqual(idsOf(batches), [...given.ids].sort());
  assert.notEqual(batches.at(-1)?.cursor, undefined, 'the last batch must have a cursor');
}

async function assertReadsNothingTwice<Settings>(
  connector: Connector<Settings>,
  given: Given<Settings>,
): Promise<void> {
  const first = await readAll(connector, given.settings);
  assertNothing(await readAll(connector, given.settings, lastCursor(first)));
}

async function assertResumes<Settings>(connector: Connector<Settings>, given: Given<Settings>): Promise<void> {
  const batches = await readAll(connector, given.settings);
  assert.notEqual(batches[0]?.cursor, undefined, 'the first batch must have a cursor, so that a long read resumes');
  for (const [index, { cursor }] of batches.entries()) {
    if (cursor === undefined) continue;
    const rest = await readAll(connector, given.settings, cursor);
    assert.deepEqual(idsOf(rest), idsOf(batches.slice(index + 1)), `resuming after batch ${index + 1}`);
    if (batches[0]?.replacesAll && index < batches.length - 1) {
      assert.equal(rest.at(-1)?.complete, true, 'a resumed replacement must be brought to its end');
    }
    const isBegunAnew = rest.some(({ replacesAll }) => replacesAll);
    assert.equal(isBegunAnew, false, 'a resumed read must not begin anew');
  }
}

async function assertReadsChange<Settings>(connector: Connector<Settings>, given: Given<Settings>): Promise<void> {
  const before = await readAll(connector, given.settings);
  const expected = await given.change();
  const news = await readAll(connector, given.settings, lastCursor(before));
  assert.deepEqual(idsOf(news), [...expected.added].sort());
  assert.deepEqual(news.flatMap(({ removed }) => removed).sort(), [...expected.removed].sort());
  assertNothing(await readAll(connector, given.settings, lastCursor(news)));
}

async function assertStops<Settings>(connector: Connector<Settings>, settings: Settings): Promise<void> {
  const controller = new AbortController();
  const { context } = makeContext(controller.signal);
  let batches = 0;
  const read = async () => {
    for await (const _ of connector.read(settings, undefined, context)) {
      batches += 1;
      controller.abort();
    }
  };
  await assert.rejects(read, (error) => isConnectorProblem(error, 'aborted'));
  assert.equal(batches, 1, 'no batch may follow once the signal is given');
  await assert.rejects(read, (error) => isConnectorProblem(error, 'aborted'));
  assert.equal(batches, 1, 'a signal given beforehand lets nothing begin');
}

async function assertFails<Settings>(
  connector: Connector<Settings>,
  settings: Settings,
  codes: ConnectorProblemCode[],
): Promise<void> {
  const isExpected = (error: unknown) => {
    assert.ok(isConnectorProblem(error), `expected a ConnectorProblem, got ${String(error)}`);
    assert.ok(codes.includes(error.code), `expected ${codes.join(' or ')}, got ${error.code}: ${error.message}`);
    assert.notEqual(error.message.trim(), '');
    if (error.code === 'rate_limited') assert.ok((error.retryAfterSeconds ?? 0) > 0, 'it must say for how long');
    return true;
  };
  await assert.rejects(readAll(connector, settings), isExpected);
  // A check may be lighter than a read; where it fails it says the same.
  await connector.check(settings, makeContext().context).catch(isExpected);
}

async function assertWarns<Settings>(connector: Connector<Settings>, settings: Settings): Promise<void> {
  const { context, lines } = makeContext();
  for await (const batch of connector.read(settings, undefined, context)) assertBatch(batch);
  const levels = lines.map((line) => (JSON.parse(line) as { level: number }).level);
  assert.ok(
    levels.some((level) => level >= 40),
    'a read that leaves something out must log a warning',
  );
}

async function assertKeepsSecret<Settings>(
  connector: Connector<Settings>,
  { settings, secret }: PreparedSource<Settings> & { secret: string },
): Promise<void> {
  const { context, lines } = makeContext();
  const told: unknown[] = [];
  const tell = (error: unknown): ActivityBatch[] => {
    told.push(String(error), JSON.stringify(error));
    return [];
  };
  await connector.check(settings, context).catch(tell);
  const batches = await readAll(connector, settings, undefined, context).catch(tell);
  const shown = [...lines, ...told, JSON.stringify(batches)].join('\n');
  assert.ok(!shown.includes(secret), 'the secret was shown');
}

function applying<Needs extends (...given: never[]) => unknown>(
  scenario: Scenario<Needs>,
  run: (needs: Needs) => Promise<void>,
): Omit<Check, 'name'> {
  if (typeof scenario === 'function') return { run: () => run(scenario) };
  return { doesNotApply: scenario.doesNotApply, run: () => Promise.resolve() };
}

async function using<Prepared extends { close?: () => Promise<void> | void }>(
  prepare: () => Promise<Prepared>,
  run: (prepared: Prepared) => Promise<void>,
): Promise<void> {
  const prepared = await prepare();
  try {
    await run(prepared);
  } finally {
    await prepared.close?.();
  }
}

/** A context whose log is kept, down to debug lines. */
export function makeContext(signal = new AbortController().signal): { context: ConnectorContext; lines: string[] } {
  const lines: string[] = [];
  const destination: DestinationStream = { write: (line) => void lines.push(line) };
  const log: Log = createLog({ level: 'debug', destination });
  return { context: { signal, log, now: () => new Date('2025-01-15T12:00:00Z') }, lines };
}

async function readAll<Settings>(
  connector: Connector<Settings>,
  settings: Settings,
  ...[cursor, context = makeContext().context]: [cursor?: JsonValue | undefined, context?: ConnectorContext]
): Promise<ActivityBatch[]> {
  // Between two reads a cursor is kept as JSON.
  const stored = cursor === undefined ? undefined : (JSON.parse(JSON.stringify(cursor)) as JsonValue);
  return await Array.fromAsync(connector.read(settings, stored, context));
}

function idsOf(batches: readonly ActivityBatch[]): string[] {
  return batches.flatMap(({ items }) => items.map(({ external_id }) => external_id)).sort();
}

function lastCursor(batches: readonly ActivityBatch[]): JsonValue | undefined {
  return batches.findLast(({ cursor }) => cursor !== undefined)?.cursor;
}

function assertNothing(batches: readonly ActivityBatch[]): void {
  const found = batches.flatMap(({ items, removed }) => [...items, ...removed]);
  assert.deepEqual(found, [], 'reading twice must bring nothing new');
}
