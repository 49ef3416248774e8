import type { Figure, WholeReport } from '@almanac/contract/report-content.ts';
import type { LightMyRequestResponse as Response } from 'fastify';
import { type AnalyticsScene, makeAnalyticsScene } from './analytics-scene.ts';
import type { TestApp } from './make-app.ts';

/** An organization of a test's own that makes reports. */
export interface ReportsScene extends AnalyticsScene {
  /** Makes a draft of a week; fails on any other answer than 201. */
  draft(more?: object): Promise<WholeReport>;
  send(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<Response>;
  read(id: string): Promise<WholeReport>;
  /** Generates a report and waits for it; fails on any other answer than 200. */
  generate(id: string): Promise<WholeReport>;
}

/** Makes the scene. */
export async function makeReportsScene(
  it: TestApp,
  settings: Parameters<TestApp['makeOrganization']>[0] = {},
): Promise<ReportsScene> {
  const scene = await makeAnalyticsScene(it, settings);
  const send: ReportsScene['send'] = (method, path, body) =>
    scene.ask({ method, url: path, ...(body === undefined ? {} : { body }) });
  const expectStatus = (answer: Response, status: number): WholeReport => {
    if (answer.statusCode !== status) throw new Error(`answered ${answer.statusCode}: ${answer.body}`);
    return answer.json<WholeReport>();
  };
  const week = { title: 'The week', report_period_start: '2024-12-09', report_period_end: '2024-12-15' };
  return {
    ...scene,
    send,
    draft: async (more = {}) => expectStatus(await send('POST', '/api/reports', { ...week, ...more }), 201),
    read: async (id) => expectStatus(await send('GET', `/api/reports/${id}`), 200),
    generate: async (id) => expectStatus(await send('POST', `/api/reports/${id}/generate?wait=true`), 200),
  };
}

/** The figures of a report's section by their names. */
export function figuresOf({ sections }: WholeReport, type: string): Record<string, Figure> {
  const section = sections.find(({ section_type }) => section_type === type);
  return Object.fromEntries((section?.numbers.figures ?? []).map((figure) => [figure.name, figure]));
}
