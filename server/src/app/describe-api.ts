import { shapeConfig } from '#platform/config/config.ts';
import { openEmbedded } from '#platform/db/database.ts';
import { migrate } from '#platform/db/migrate.ts';
import { createLog } from '#platform/log/log.ts';
import { buildHttp } from './build-http.ts';
import { composeFeatures } from './compose-features.ts';
import { composePlatform } from './compose-platform.ts';

const anySecret = 'only for the description of the interface';

/** The OpenAPI document of the product, made from the declarations of its endpoints. */
export async function describeApi(): Promise<object> {
  const log = createLog({ level: 'silent' });
  const config = shapeConfig({ JWT_SECRET: anySecret, ENCRYPTION_KEY: anySecret } as Parameters<typeof shapeConfig>[0]);
  const database = await openEmbedded({});
  await migrate({ root: database.root, log });
  const platform = await composePlatform({ config, log, database });
  const features = await composeFeatures(platform);
  const { app, realtime } = await buildHttp({ platform, features, isDraining: () => false });
  const description = app.swagger();
  realtime.close();
  await app.close();
  await platform.close();
  await database.close();
  return description;
}
