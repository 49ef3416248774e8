import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';

/** Sends a request to the server without a socket. */
export function inject(app: FastifyInstance, request: InjectOptions): Promise<LightMyRequestResponse> {
  return app.inject(request);
}
