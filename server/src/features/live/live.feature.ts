import type { RealtimeNamespace } from '#platform/realtime/namespace.ts';
import { serveSubscriptions } from './live.events.ts';
import { createLiveService, type LiveOptions, type WebSocketService } from './live.service.ts';

/** What changes, told to whoever subscribes: sockets and programs. */
export interface LiveFeature {
  readonly webSocketService: WebSocketService;
  serveEvents(namespace: RealtimeNamespace): void;
  /** Ends the connections of programs. */
  close(): void;
}

export function createLiveFeature(options: LiveOptions): LiveFeature {
  const service = createLiveService(options);
  return {
    webSocketService: service,
    serveEvents: (namespace) => serveSubscriptions(namespace, service),
    close: service.close,
  };
}
