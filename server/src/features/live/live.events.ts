import { Type } from 'typebox';
import type { Connection } from '#platform/realtime/connection.ts';
import type { RealtimeNamespace } from '#platform/realtime/namespace.ts';
import type { LiveService } from './live.service.ts';
import type { LiveTarget } from './tell-messages.ts';

const strict = { additionalProperties: false };
// What they hold is checked where the calls of programs are, too.
const Subscribe = Type.Object({ type: Type.Optional(Type.Unknown()), filters: Type.Optional(Type.Unknown()) }, strict);
const Unsubscribe = Type.Object({ id: Type.String({ minLength: 1, maxLength: 100 }) }, strict);

/**
 * Serves subscriptions on a namespace: `subscribe {type, filters?}` and `unsubscribe {id}`, each acknowledged with the
 * subscription's id, and the messages under their types. `feed_gone {cursor}` says that the client was too slow for too
 * long and has to read what it shows anew.
 */
export function serveSubscriptions(namespace: RealtimeNamespace, service: LiveService): void {
  namespace.onConnection((connection) => {
    const subscriptions = service.attach(connection.id, toTarget(connection));
    connection.onClose(() => service.detach(connection.id));
    connection.on('subscribe', Subscribe, async (sent) => {
      const { id } = await subscriptions.subscribe(sent);
      return { id };
    });
    connection.on('unsubscribe', Unsubscribe, ({ id }) => {
      subscriptions.unsubscribe(id);
      return { id };
    });
  });
}

function toTarget(connection: Connection): LiveTarget {
  let isOpen = true;
  connection.onClose(() => {
    isOpen = false;
  });
  return {
    get principal() {
      return connection.principal;
    },
    get isOpen() {
      return isOpen;
    },
    follow: async (types, onBatch) => (await connection.follow(types, onBatch)).stop,
    deliver: async (message) => {
      await connection.room();
      connection.send(message.type, message);
    },
    tellGap: (cursor) => connection.send('feed_gone', { cursor }),
  };
}
