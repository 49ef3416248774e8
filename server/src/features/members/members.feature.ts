import type { FastifyInstance } from 'fastify';
import type { JobDefinition } from '#platform/jobs/define-job.ts';
import { createInvitationsService, type InvitationsOptions } from './invitations.service.ts';
import { pruneInvitations } from './members.jobs.ts';
import { addMembersRoutes } from './members.routes.ts';
import { createMembersService, type MembersOptions } from './members.service.ts';

/** Who is in an organization, and who is invited to it. */
interface MembersFeature {
  readonly jobs: readonly JobDefinition[];
  addRoutes(app: FastifyInstance): void;
}

export function createMembersFeature(needs: MembersOptions & InvitationsOptions): MembersFeature {
  const members = createMembersService(needs);
  const invitations = createInvitationsService(needs);
  return {
    jobs: [pruneInvitations],
    addRoutes: (app) => addMembersRoutes(app, { members, invitations }),
  };
}
