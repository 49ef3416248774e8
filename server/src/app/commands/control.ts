import { chmodSync, existsSync, unlinkSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { configurationProblem, isConfigurationProblem } from '#platform/config/environment.ts';
import { AppError } from '#platform/errors/app-error.ts';

/** What a running process does for the command line. */
export type ControlHandlers = Readonly<Record<string, (input: unknown) => Promise<string>>>;

/** The socket in the data folder through which the command line reaches the process that owns the embedded database. */
function controlPath(dataDir: string): string {
  return join(dataDir, 'control.sock');
}

/** Serves the command line on the socket; only the user who started the process may connect. */
export async function serveControl(dataDir: string, handlers: ControlHandlers): Promise<Server> {
  const path = controlPath(dataDir);
  // The data folder is ours by its lock, so a socket that is there was left by a process that was killed.
  if (existsSync(path)) unlinkSync(path);
  const server = createServer((incoming, response) => {
    const handle = handlers[(incoming.url ?? '').slice(1)];
    const answer = (status: number, body: string) => response.writeHead(status).end(body);
    if (!handle) return void answer(404, 'This process does not know that command.');
    text(incoming)
      .then((body) => handle(JSON.parse(body)))
      .then(
        (output) => answer(200, output),
        (error: Error) => answer(error instanceof AppError || isConfigurationProblem(error) ? 400 : 500, error.message),
      );
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const mask = process.umask(0o177);
  server.once('error', reject).listen(path, resolve);
  process.umask(mask);
  await promise;
  chmodSync(path, 0o600);
  return server;
}

/**
 * Has the running process do a command; undefined where none runs. Throws a configuration problem with what the process
 * answers when it refuses.
 */
export async function askRunningProcess(dataDir: string, command: string, input: unknown): Promise<string | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
  const asking = request({ socketPath: controlPath(dataDir), path: `/${command}`, method: 'POST' }, (response) => {
    text(response).then((body) => {
      if (response.statusCode === 200) resolve(body);
      else reject(configurationProblem(body));
    }, reject);
  });
  asking.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined);
    else reject(error);
  });
  asking.end(JSON.stringify(input));
  return promise;
}
