import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runServer } from '../../server/src/app/run-server.ts';
import { systemPrincipal } from '../../server/src/platform/access/principal.ts';
import { shapeConfig } from '../../server/src/platform/config/config.ts';
import type { VariableValues } from '../../server/src/platform/config/variables.ts';
import { createLogs } from '../../server/src/platform/log/log.ts';

/** The product with tenants, each in the organization made with the account, with a business; publishes when told to. */
const [{ users, databaseUrl }] = (await once(process, 'message')) as [{ users: number; databaseUrl: string }];
const dataDir = await mkdtemp(join(tmpdir(), 'almanac-fanout-'));
const values = { DATA_DIR: dataDir, DATABASE_URL: databaseUrl, PORT: 0, PROJECTS_LOCAL_GIT: [] as string[] };
const config = shapeConfig({ ...values, ALMANAC_DEMO: false, TRUST_PROXY: true } as unknown as VariableValues);
const limits = { perMinute: () => 1e9, addressPerMinute: 1e9 };
const server = await runServer({ config, ...createLogs({ level: 'warn' }), limits });

const post = async (path: string, body: object, headers: Record<string, string> = {}) => {
  const answer = await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
};

const password = 'correct horse battery';
const { scopes, feed } = server.platform;
const tenants: { userId: string; organization: string; token: string; businessId: string }[] = [];
for (let index = 0; index < users; index += 1) {
  const account = { email: `bench-${index}@example.org`, password, account_type: 'tenant' };
  // An address registers only few.
  const address = { 'x-forwarded-for': `10.0.${index >> 8}.${index & 255}` };
  const { user, access_token: token } = (await post('/auth/register', account, address)) as {
    user: { id: string };
    access_token: string;
  };
  const headers = { authorization: `Bearer ${token}` };
  const { data } = (await post('/api/businesses', { name: `Business ${index}` }, headers)) as {
    data: { id: string; organization_id: string };
  };
  tenants.push({ userId: user.id, organization: data.organization_id, token, businessId: data.id });
}

/** Past what the tenants' own changes come to. */
let version = 1_000_000;

/** Publishes so many changes of each tenant, as their writes do, but in one transaction. */
async function publish(count: number): Promise<void> {
  for (const { userId, organization, businessId } of tenants) {
    await scopes.inOrganization(systemPrincipal(organization), async (tx) => {
      for (let index = 0; index < count; index += 1) {
        version += 1;
        const payload = {
          business_id: businessId,
          version,
          day: '2024-12-18',
          added: { views: 1, messages: 0, invites: 0, responses: 0 },
          totals: { views_count: version, messages_count: 0, invites_count: 0, responses_count: null },
        };
        feed.publish(tx, { type: 'business.measured', audience: { userId }, payload });
      }
    });
  }
}

process.on('message', ({ publish: count }: { publish: number }) => void publish(count));
process.send?.({ url: server.url, tenants });
process.once('SIGTERM', () => process.exit(0));
