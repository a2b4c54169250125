// What the configuration's tests share. Used by tests alone.
import { Buffer } from "node:buffer";
import type { Machine } from "./key.ts";
import { ConfigError, type ConfigSource } from "./load.ts";

/** The machine that the fixtures' defaults were recorded on. */
export const fixtureMachine: Machine = {
  processors: 2,
  hostName: "(host name)",
  localAddress: "(first local address)",
  homeDirectory: "${user.home}",
  currentDirectory: "/",
  rocketmqHome: null,
  namesrvAddr: null,
};

export const machine: Machine = {
  processors: 4,
  hostName: "box-1",
  localAddress: "10.1.2.3",
  homeDirectory: "/home/mq",
  currentDirectory: "/srv",
  rocketmqHome: null,
  namesrvAddr: null,
};

/** A source with a file "broker.conf" of this text. */
export function fromFile(text: string, more: ConfigSource = {}): ConfigSource {
  return { ...more, file: { name: "broker.conf", bytes: Buffer.from(text, "latin1") } };
}

/** The problems that loading ends in; none when it succeeds. */
export function problemsOf(load: () => unknown): readonly string[] {
  try {
    load();
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}
