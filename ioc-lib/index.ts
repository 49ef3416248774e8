export * from '@almanac/server';
