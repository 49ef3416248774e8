import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../log/log.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

interface RecorderOptions {
  accessLog: Pick<Log, 'info'>;
  telemetry: Pick<Telemetry, 'observeRequest'>;
}

/** Makes the hook that writes one line a request and counts it. */
export function createRecorder({ accessLog, telemetry }: RecorderOptions) {
  return (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    const ms = reply.elapsedTime;
    const route = request.routeOptions.url ?? 'unknown';
    const status = reply.statusCode;
    telemetry.observeRequest({ route, method: request.method, status, seconds: ms / 1000 });
    const principal = request.principal as typeof request.principal | null;
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
