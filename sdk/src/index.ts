export { AlmanacError } from './almanac-error.ts';
export { type CallInput, type Client, type ClientOptions, createClient } from './client.ts';
