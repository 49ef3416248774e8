import type { FastifyInstance } from 'fastify';
import type { UserPrincipal } from '#platform/access/principal.ts';
import type { Log } from '#platform/log/log.ts';
import { addAuditRoutes } from './audit.routes.ts';
import { type AuditServiceNeeds, createAuditService } from './audit.service.ts';
import { createReadRecorder } from './record-reads.ts';

interface AuditNeeds extends AuditServiceNeeds {
  log: Pick<Log, 'warn'>;
}

/** Who read or changed what. */
export interface AuditFeature {
  /** Notes that a caller was answered what an endpoint reads; entered with others, soon after. */
  noteRead(principal: UserPrincipal, endpointId: string): void;
  /** Enters what was noted; once it resolves the notes up to now are in the log, unless the database was away. */
  enterReads(): Promise<void>;
  addRoutes(app: FastifyInstance): void;
}

export function createAuditFeature(needs: AuditNeeds): AuditFeature {
  const reads = createReadRecorder(needs);
  return {
    noteRead: reads.note,
    enterReads: reads.enter,
    addRoutes: (app) => {
      addAuditRoutes(app, createAuditService(needs));
      app.addHook('onClose', () => reads.close());
    },
  };
}
