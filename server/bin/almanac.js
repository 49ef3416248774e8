#!/usr/bin/env -S node --max-semi-space-size=16 --heap-growing-percent=100
import { enableCompileCache } from 'node:module';

// Plain JavaScript, so that the cache stands before the first TypeScript is loaded: what was compiled at one start is
// not compiled at the next, and the compiler's 20 MB are not loaded for it. The young generation is held at 16 MB, and
// an old one that may only double between two collections saves 100 MB under load.
enableCompileCache();
await import('../src/main.ts');
