import { sql } from 'kysely';
import { inject } from './inject.ts';
import { makeTestApp, type TestApp, type TestMember, type TestOrganization } from './make-app.ts';

const url = '/api/dashboard/metrics';

/** A point of a metric `checkout/latency`, for tests. */
export const point = (more: object = {}) => ({
  metric_type: 'checkout',
  metric_name: 'latency',
  metric_value: 1,
  recorded_at: '2024-12-18T09:30:00Z',
  ...more,
});

/** The product, and an organization in Berlin that measures something: a new one after each `begin`. */
export class MetricsScene {
  readonly it: TestApp;
  organization!: TestOrganization;
  member!: TestMember;

  private constructor(it: TestApp) {
    this.it = it;
  }

  static async open(options: Parameters<typeof makeTestApp>[0] = {}): Promise<MetricsScene> {
    return new MetricsScene(await makeTestApp(options));
  }

  get root() {
    return this.it.platform.database.root;
  }

  async begin(): Promise<void> {
    this.organization = await this.it.makeOrganization({ timezone: 'Europe/Berlin' });
    this.member = await this.organization.member('analyst');
  }

  post(body: object, headers: object = {}) {
    return inject(this.it.app, { method: 'POST', url, body, headers: { ...this.member.headers, ...headers } });
  }

  postLines(payload: string | Buffer, headers: object = {}) {
    const type = { 'content-type': 'application/x-ndjson' };
    return inject(this.it.app, {
      method: 'POST',
      url,
      payload,
      headers: { ...this.member.headers, ...type, ...headers },
    });
  }

  // biome-ignore lint/suspicious/noExplicitAny: what is answered is what the test looks at.
  async get(query: object = {}, path = url): Promise<any> {
    const request = { url: path, query: query as Record<string, string>, headers: this.member.headers };
    return (await inject(this.it.app, request)).json();
  }

  async countPoints(): Promise<number | undefined> {
    const { rows } = await sql<{ count: number }>`
      select count(*) from dashboard_metrics where organization_id = ${this.organization.id}`.execute(
      this.it.platform.database.root,
    );
    return rows[0]?.count;
  }
}
