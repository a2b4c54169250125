// The effects that composition roots are given: this machine's clock, disk, randomness and network.
import process from "node:process";
import type { Disk } from "../core/disk/disk.ts";
import { nodeDisk } from "../core/disk/disk_node.ts";
import { type Random, systemRandom } from "../core/random.ts";
import { createSystemTransport } from "../core/remoting/system_transport.ts";
import type { Transport } from "../core/remoting/transport.ts";
import type { Clock } from "../core/time/clock.ts";
import { systemClock } from "../core/time/system_clock.ts";
import { openCoreWait } from "./core_wait.ts";
import { syncFileSystem } from "./sync_file_system.ts";

export interface Platform {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly random: Random;
  readonly transport: Transport;
}

export function thisPlatform(): Platform {
  const coreWaitMs = openCoreWait();
  const clock = coreWaitMs === undefined ? systemClock : { ...systemClock, coreWaitMs };
  const disk = { ...nodeDisk, syncFileSystem };
  return { clock, disk, random: systemRandom, transport: createSystemTransport(clock) };
}

/** Since the process began. */
export function elapsedMs(): number {
  return Math.round(process.uptime() * 1000);
}
