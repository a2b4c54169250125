// The facts of this machine that configuration defaults rest on.
import fs from "node:fs";
import os from "node:os";
import process from "node:process";
import type { Machine } from "../core/config/key.ts";

export function thisMachine(): Machine {
  const { ROCKETMQ_HOME, NAMESRV_ADDR } = process.env;
  return {
    processors: os.availableParallelism(),
    hostName: os.hostname() || "DEFAULT_BROKER",
    localAddress: localAddress(os.networkInterfaces(), isBridge),
    homeDirectory: os.homedir(),
    currentDirectory: process.cwd(),
    rocketmqHome: ROCKETMQ_HOME || null,
    namesrvAddr: NAMESRV_ADDR || null,
  };
}

type Interfaces = Record<
  string,
  { address: string; family: string; internal: boolean }[] | undefined
>;

/**
 * The address that other machines most likely reach this one by: the first IPv4 address outside 192.168, else the
 * last IPv4 one, else the first IPv6 one in brackets; bridges of containers don't count (NetworkUtil).
 */
export function localAddress(interfaces: Interfaces, bridge: (name: string) => boolean): string {
  const usable = Object.entries(interfaces)
    .filter(([name]) => !bridge(name))
    .flatMap(([, addresses]) => addresses ?? [])
    .filter(({ internal }) => !internal);
  const v4 = usable.filter(({ family }) => family === "IPv4").map(({ address }) => address);
  const preferred = v4.find((address) => !/^(127\.0|192\.168|0\.)/.test(address)) ?? v4.at(-1);
  if (preferred !== undefined) return preferred;
  const v6 = usable.find(({ family }) => family === "IPv6");
  return v6 ? `[${v6.address}]` : "127.0.0.1";
}

function isBridge(name: string): boolean {
  return fs.existsSync(`/sys/class/net/${name}/bridge`);
}
