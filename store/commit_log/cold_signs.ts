// Tells whether the long reads of the log come from the device or from the page cache, by the kernel's own count of what
// the process had read from devices: how long a read takes says more of how busy the cores are. Never reads anything.

import type { Disk } from "../../core/disk/disk.ts";

/** Looked at after so much was read: the kernel reads ahead, by up to 8 MiB at a time. */
export const SIGNS_WINDOW_BYTES = 8 * 1024 * 1024;
/** Cold: at least this share of what was read came from a device. Queues' entries alone are a fiftieth of the log. */
const COLD_SHARE_MIN = 1 / 4;

export class ColdSigns {
  private cold = false;
  private readBytes = 0;
  private deviceBytes: number;

  /** On a disk that can't tell what came from the device nothing is cold. */
  constructor(private readonly disk: Pick<Disk, "deviceReadBytes">) {
    this.deviceBytes = disk.deviceReadBytes?.() ?? 0;
  }

  /** Whether the long reads of late were cold. */
  get isCold(): boolean {
    return this.cold;
  }

  /** What was read past the page cache tells nothing of what is in it. */
  noteUncached(bytes: number): void {
    this.deviceBytes += bytes;
  }

  noteRead(bytes: number): void {
    this.readBytes += bytes;
    if (this.readBytes < SIGNS_WINDOW_BYTES) return;
    const deviceBytes = this.disk.deviceReadBytes?.() ?? 0;
    this.cold = deviceBytes - this.deviceBytes >= this.readBytes * COLD_SHARE_MIN;
    this.deviceBytes = deviceBytes;
    this.readBytes = 0;
  }
}
