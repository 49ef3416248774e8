import type { FastifyInstance } from 'fastify';
import type { InstanceTx } from '#platform/db/scopes.ts';
import { putAnonymousViewer, putBuiltIn } from './built-ins.store.ts';
import { makeSlug } from './make-slug.ts';
import { addOrganizationsRoutes } from './organizations.routes.ts';
import { createOrganizationsService, type OrganizationsOptions } from './organizations.service.ts';
import { insertOrganization } from './organizations.store.ts';

/** The organizations that exist from the first start on. */
export interface BuiltIns {
  readonly localOrganizationId: string;
  /** Undefined where the demo is off. */
  readonly demoOrganizationId: string | undefined;
  /** Undefined where anonymous access is off. */
  readonly anonymousUserId: string | undefined;
}

/** Organizations. Who is in them is the matter of the members. */
export interface OrganizationsFeature {
  /** Makes the organizations `local` and `demo` and the anonymous viewer, where they are wanted and not there. */
  putBuiltIns(wanted: { demo: boolean; anonymous: boolean; timezone: string }): Promise<BuiltIns>;
  /** Answers the id. `namedAfter` is the user whose name this one was made from, where nobody chose it. */
  makeOrganization(tx: InstanceTx, organization: { name: string; namedAfter: string | undefined }): Promise<string>;
  addRoutes(app: FastifyInstance): void;
}

export function createOrganizationsFeature(needs: OrganizationsOptions): OrganizationsFeature {
  const { scopes, now } = needs;
  const service = createOrganizationsService(needs);
  return {
    putBuiltIns: ({ demo, anonymous, timezone }) =>
      scopes.inInstance(async (tx) => {
        const common = { timezone, createdAt: now() };
        const localOrganizationId = await putBuiltIn(tx, { ...common, slug: 'local', name: 'This machine' });
        const demoOrganizationId = demo ? await putBuiltIn(tx, { ...common, slug: 'demo', name: 'Demo' }) : undefined;
        const visible = demoOrganizationId ? [demoOrganizationId, localOrganizationId] : [localOrganizationId];
        const anonymousUserId = anonymous ? await putAnonymousViewer(tx, visible) : undefined;
        return { localOrganizationId, demoOrganizationId, anonymousUserId };
      }),
    makeOrganization: (tx, { name, namedAfter }) =>
      insertOrganization(tx, { slug: makeSlug(name), name, namedAfter, createdAt: now() }),
    addRoutes: (app) => addOrganizationsRoutes(app, service),
  };
}
