import type { FastifyReply, FastifyRequest } from 'fastify';
import type { UserPrincipal } from '../access/principal.ts';
import type { AccessLog } from '../log/log.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { RouteConfig } from './route-config.ts';

interface RecorderOptions {
  accessLog: AccessLog;
  telemetry: Pick<Telemetry, 'observeRequest'>;
  /** Told who was answered what an endpoint reads; on the way of each such request, so it must not take time. */
  onRead?: (principal: UserPrincipal, endpointId: string) => void;
}

/** Makes the hook that writes one line a request, counts it and says what was read. */
export function createRecorder({ accessLog, telemetry, onRead }: RecorderOptions) {
  return (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    const ms = reply.elapsedTime;
    const { url: route = 'unknown', config } = request.routeOptions;
    const endpoint = (config as Partial<RouteConfig> | undefined)?.endpoint;
    const status = reply.statusCode;
    telemetry.observeRequest({ route, method: request.method, status, seconds: ms / 1000 });
    const principal = request.principal as typeof request.principal | null;
    if (principal && endpoint && request.method === 'GET' && isShown(status)) onRead?.(principal, endpoint.id);
    accessLog.info({
      request_id: request.id,
      user: principal?.userId,
      organization: principal?.organizationId,
      method: request.method,
      route,
      status,
      ms: Math.round(ms * 100) / 100,
    });
    done();
  };
}

/** True where the caller now has what was asked for; with 304 they had it, and know that it still holds. */
function isShown(status: number): boolean {
  return status < 300 || status === 304;
}
