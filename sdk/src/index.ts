export { AlmanacError } from './almanac-error.ts';
export type { Call, CallAnswer, CallInput, CallOptions, Calls } from './call-types.ts';
export { type Client, createClient } from './client.ts';
export type { ClientOptions, SignIn, Tokens } from './client-options.ts';
export type { FeedConnection, FeedEvent, FeedOptions } from './live/feed-types.ts';
export type { OpenSocket } from './live/socket.ts';
export type { LiveState } from './live/socket-link.ts';
export type { FileAnswer } from './read-answer.ts';
export type { Timing } from './timing.ts';
