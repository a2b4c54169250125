// What the clients take from outside: clock, randomness, network, disk, log, and who this process
// is. Every part may be replaced; nothing else in this folder touches the machine.
import os from "node:os";
import process from "node:process";
import type { Disk } from "../disk/disk.ts";
import { nodeDisk } from "../disk/disk_node.ts";
import { type Logger, silentLogger } from "../log.ts";
import { type Random, systemRandom } from "../random.ts";
import { createSystemTransport } from "../remoting/system_transport.ts";
import type { Transport } from "../remoting/transport.ts";
import type { Clock } from "../time/clock.ts";
import { systemClock } from "../time/system_clock.ts";

/** The effects of a client. The second argument of each client replaces any of them. */
export interface ClientEnvironment {
  clock: Clock;
  random: Random;
  transport: Transport;
  /** Default: silent. */
  log: Logger;
  /** Only for the local offsets of broadcasting consumers. */
  disk: Disk;
  /** Address in client ids and message ids. */
  localAddress: string;
  processId: number;
  homeDirectory: string;
  /** Used when the options name no name servers; null when there are none. */
  nameServers: string | null;
}

export function clientEnvironment(replaced: Partial<ClientEnvironment> = {}): ClientEnvironment {
  const clock = replaced.clock ?? systemClock;
  const { NAMESRV_ADDR, ROCKETMQ_NAMESRV_ADDR } = process.env;
  return {
    clock,
    random: systemRandom,
    transport: replaced.transport ?? createSystemTransport(clock),
    log: silentLogger,
    disk: nodeDisk,
    localAddress: replaced.localAddress ?? localAddress(),
    processId: process.pid,
    homeDirectory: replaced.homeDirectory ?? os.homedir(),
    nameServers: NAMESRV_ADDR || ROCKETMQ_NAMESRV_ADDR || null,
    ...replaced,
  };
}

/** The first IPv4 address outside 192.168, else any IPv4 one, else loopback (NetworkUtil). */
function localAddress(): string {
  const v4 = Object.values(os.networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, family }) => !internal && family === "IPv4")
    .map(({ address }) => address);
  return v4.find((address) => !address.startsWith("192.168.")) ?? v4.at(-1) ?? "127.0.0.1";
}
