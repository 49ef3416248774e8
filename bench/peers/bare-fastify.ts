import { once } from 'node:events';
import fastify from 'fastify';

/** A bare Fastify route that answers bytes it is given. */
const [{ bytes }] = (await once(process, 'message')) as [{ bytes: string }];
const body = Buffer.from(bytes);
const app = fastify();
app.get('/', (_request, reply) => reply.header('content-type', 'application/json; charset=utf-8').send(body));
const url = await app.listen({ port: 0, host: '127.0.0.1' });
process.send?.({ url, headers: {} });
