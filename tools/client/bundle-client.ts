import { fileURLToPath } from 'node:url';
import { build, type Rolldown } from 'vite';

/** The client as one module of JavaScript. */
export interface ClientBundle {
  readonly code: string;
  /** The files that it is made of. */
  readonly files: readonly string[];
}

/** Bundles the client for browsers and Node from 20 on, in memory. socket.io-client stays an import of its user's. */
export async function bundleClient(): Promise<ClientBundle> {
  const entry = fileURLToPath(new URL('../../sdk/src/index.ts', import.meta.url));
  const built = await build({
    configFile: false,
    logLevel: 'silent',
    build: {
      write: false,
      target: 'es2022',
      minify: true,
      lib: { entry, formats: ['es'], fileName: 'index' },
      rolldownOptions: { external: ['socket.io-client'] },
    },
  });
  const [{ output }] = built as [Rolldown.RolldownOutput];
  const [chunk] = output;
  return { code: chunk.code, files: chunk.moduleIds };
}
