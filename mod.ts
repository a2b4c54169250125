// Roquet as a library: producers and consumers for RocketMQ brokers. Runs under Bun and Deno.
export * from "./core/client/mod.ts";
