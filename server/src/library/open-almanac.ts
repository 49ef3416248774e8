import { cacheTopics } from '#app/cache-topics.ts';
import { openProduct, type Product } from '#app/open-product.ts';
import { shapeConfig } from '#platform/config/config.ts';
import { readEnvironment } from '#platform/config/environment.ts';
import { createLog, type Log } from '#platform/log/log.ts';

/** Almanac on an open database, as programs hold it that use it as a library. */
export type Almanac = Product;

/** Almanac, or its opening. */
export type AlmanacHandle = Almanac | Promise<Almanac>;

export interface OpenOptions {
  /** The same variables as the server's, such as DATABASE_URL; the process's own and those of `.env` unless given. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Warnings and worse to standard output unless given. */
  log?: Log;
}

/** Told of an organization of which something was written; of undefined where it may be any. */
type InvalidationListener = (organizationId: string | undefined) => void;

const inUse = new Set<Almanac>();
const listeners: InvalidationListener[] = [];
let shared: Promise<Almanac> | undefined;

/**
 * Opens the database that the environment names, with its newest schema. Close it when done: it keeps the process alive.
 * Throws a configuration problem for a wrong setting, and where another process has the embedded database open.
 */
export async function openAlmanac({ env, log = createLog({ level: 'warn' }) }: OpenOptions = {}): Promise<Almanac> {
  const config = shapeConfig(env === undefined ? readEnvironment() : readEnvironment('', { ...env }));
  const product = await openProduct({ config, log });
  const almanac: Almanac = {
    ...product,
    close: async () => {
      inUse.delete(almanac);
      tell(undefined);
      await product.close();
    },
  };
  return join(almanac);
}

/** What a service works on: what it was given, else the one that the environment names, opened at the first call. */
export async function takeAlmanac(given: AlmanacHandle | undefined): Promise<Almanac> {
  shared = given === undefined ? (shared ?? openShared()) : shared;
  return join(await (given ?? (shared as Promise<Almanac>)));
}

/** Has what is written told to the listeners, from then on: what they knew before may be old. */
function join(almanac: Almanac): Almanac {
  if (inUse.has(almanac)) return almanac;
  inUse.add(almanac);
  almanac.platform.caches.onInvalidated(tell);
  tell(undefined);
  return almanac;
}

function tell(organizationId: string | undefined): void {
  for (const listener of listeners) listener(organizationId);
}

/** True while what another process writes may go unheard. */
export function isAnyCutOff(): boolean {
  return [...inUse].some(({ platform }) => platform.caches.isCutOff());
}

/** Closes what services without a handle of their own work on; they open it again when they are called again. */
export async function closeAlmanac(): Promise<void> {
  const open = await shared?.catch(() => undefined);
  shared = undefined;
  await open?.close();
}

/** A failed opening is not kept. */
function openShared(): Promise<Almanac> {
  const opening = openAlmanac();
  opening.catch(() => {
    if (shared === opening) shared = undefined;
  });
  return opening;
}

/** Has a listener told of what is written while Almanac is in use here. */
export function onInvalidated(listener: InvalidationListener): void {
  listeners.push(listener);
}

/** Has every process forget what it keeps of an organization. */
export async function invalidateInUse(organizationId: string): Promise<void> {
  await Promise.all([...inUse].map(({ platform }) => platform.caches.invalidate(organizationId, cacheTopics)));
}
