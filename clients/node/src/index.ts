export { Batches } from "./batches.js";
export type { AnyBatch } from "./batches.js";
export { backgroundOf, hasEnded, Lensora } from "./client.js";
export type { CallOptions, ClientOptions, ViewOptions, WaitOptions } from "./client.js";
export { LensoraError } from "./errors.js";
export { verifyWebhook } from "./webhooks.js";
export type { VerifyOptions } from "./webhooks.js";
export type * from "./types.js";
export type { components, operations, paths, webhooks } from "./schema.js";
