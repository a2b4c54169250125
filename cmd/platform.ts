// The effects that composition roots are given: this machine's clock, disk, randomness and network.
import process from "node:process";
import type { Disk } from "../core/disk/disk.ts";
import { nodeDisk } from "../core/disk/disk_node.ts";
import { type Random, systemRandom } from "../core/random.ts";
import type { Transport } from "../core/remoting/transport.ts";
import type { Clock } from "../core/time/clock.ts";
import { systemClock } from "../core/time/system_clock.ts";

export interface Platform {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly random: Random;
  readonly transport: Transport;
}

/** Bun's own sockets under Bun, node: sockets elsewhere. */
export async function thisPlatform(): Promise<Platform> {
  const clock = systemClock;
  return { clock, disk: nodeDisk, random: systemRandom, transport: await thisTransport(clock) };
}

async function thisTransport(clock: Clock): Promise<Transport> {
  if (process.versions["bun"] === undefined) {
    return (await import("../core/remoting/transport_node.ts")).createNodeTransport(clock);
  }
  return (await import("../core/remoting/transport_bun.ts")).createBunTransport(clock);
}

/** Since the process began. */
export function elapsedMs(): number {
  return Math.round(process.uptime() * 1000);
}
