import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AnalyticsScene, makeAnalyticsScene } from '#testing/analytics-scene.ts';
import { makeTestApp, type TestApp } from '#testing/make-app.ts';
import { getOrganizationSettings } from './organizations.store.ts';
import { takeCalendar } from './take-calendar.ts';

// The embedded database has one connection, on which nobody holds a calendar beside somebody else.
describe.skipIf(!process.env.TEST_DATABASE_URL)('a job that needs a calendar alone', () => {
  let it: TestApp;
  let scene: AnalyticsScene;
  beforeAll(async () => {
    it = await makeTestApp();
    scene = await makeAnalyticsScene(it);
  });
  afterAll(() => it.close());

  /** Holds the calendar, as a writer does, until it is released. */
  async function hold() {
    const [held, freed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const holding = scene.within(async (tx) => {
      await getOrganizationSettings(tx);
      held.resolve();
      await freed.promise;
    });
    await held.promise;
    return async () => {
      freed.resolve();
      await holding;
    };
  }

  test('waits while somebody holds it, holds up nobody meanwhile, and then works', async () => {
    const release = await hold();
    const waited: number[] = [];
    const jitter = [0, 0.5, 0.75];
    const pause = async (ms: number) => {
      waited.push(ms);
      // Another writer comes and is not behind the job.
      await scene.within(getOrganizationSettings);
      if (waited.length === 3) await release();
    };
    const run = { inOrganization: scene.within, signal: new AbortController().signal };
    const random = () => jitter.shift() ?? 0;
    expect(await takeCalendar(run, async (tx) => tx.organizationId, { pause, random })).toBe(scene.organization.id);
    expect(waited).toEqual([100, 300, 400]);
  });

  test('gives up waiting once its run is aborted', async () => {
    const release = await hold();
    const controller = new AbortController();
    const run = { inOrganization: scene.within, signal: controller.signal };
    const pause = async () => controller.abort(new Error('the time is up'));
    const taken = takeCalendar(run, () => Promise.reject(new Error('it worked')), { pause, random: () => 0 });
    await expect(taken).rejects.toThrow('the time is up');
    await release();
  });
});
