import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A load balancer: each connection goes to the first of its servers that takes it. */
export interface Balancer {
  readonly url: string;
  close(): void;
}

/** Opens a balancer in front of servers on loopback, in the order of preference. */
export async function openBalancer(ports: readonly number[]): Promise<Balancer> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    sockets.add(near);
    near.on('error', () => undefined);
    const attempt = ([port, ...others]: readonly number[]) => {
      if (port === undefined) return void near.destroy();
      const far = connect(port, '127.0.0.1');
      const goOn = () => attempt(others);
      far.once('error', goOn);
      far.once('connect', () => {
        far.off('error', goOn).on('error', () => near.destroy());
        sockets.add(far);
        near.pipe(far).pipe(near);
        near.on('close', () => far.destroy());
        far.on('close', () => near.destroy());
      });
    };
    attempt(ports);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
