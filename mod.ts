// Roquet as a library: producers and consumers for RocketMQ brokers, and a cluster inside the process for tests.
// Runs under Bun and Deno.
export * from "./core/client/mod.ts";
export { type EmbeddedCluster, type EmbeddedOptions, startRoquet } from "./cmd/embedded.ts";
