import { composeFeatures, type Features } from './compose-features.ts';
import { composePlatform, type Platform, type PlatformOptions } from './compose-platform.ts';
import { platformJobs } from './platform-jobs.ts';

/** The product on an open database, serving nothing: what commands and programs that use it as a library work with. */
export interface Product {
  readonly platform: Platform;
  readonly features: Features;
  close(): Promise<void>;
}

/** Opens the product. It runs no jobs; what it asks to be run is left to the processes that do. */
export async function openProduct(options: PlatformOptions): Promise<Product> {
  const platform = await composePlatform(options);
  let features: Features | undefined;
  const close = async () => {
    features?.close();
    await platform.jobs.close({ graceSeconds: 0 });
    await platform.close();
  };
  try {
    features = await composeFeatures(platform);
    await platform.jobs.start([...features.jobs, ...platformJobs(platform)], { runsWorkers: false });
    return { platform, features, close };
  } catch (error) {
    await close();
    throw error;
  }
}
