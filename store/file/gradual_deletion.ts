// Deletes a large file so that nobody waits for it. To free a gigabyte at once keeps a core, the device and, where that is
// a hypervisor's, the whole machine for up to a second; after its name is gone it is cut away from its end instead, a step
// at a time, with rests for others.
import { dirname } from "node:path";
import { type Disk, DiskError, type DiskFile } from "../../core/disk/disk.ts";
import type { Clock } from "../../core/time/clock.ts";

/** Freed in some ms. */
const STEP_BYTES = 16 * 1024 * 1024;
/** Between two steps, at least; otherwise as long as the step took. */
const REST_MS_MIN = 2;

export interface GradualDeletion {
  disk: Disk;
  clock: Clock;
  /** Aborted, the rest is freed at once. */
  signal?: AbortSignal;
  stepBytes?: number;
}

/**
 * Deletes a file, durably, and resolves when its space is free. Only then is it cut: a power cut leaves all of it or
 * nothing, and so it stays whole where another name still stands for it. Throws DiskError when it isn't surely gone.
 */
export async function deleteGradually(deletion: GradualDeletion, path: string): Promise<void> {
  const { disk } = deletion;
  const file = openLarge(deletion, path);
  try {
    await disk.unlink(path);
    await disk.syncDirectory(dirname(path));
    if (file !== null && !file.hasNameSync()) await free(deletion, file);
  } finally {
    await file?.close();
  }
}

/** Null when one step frees it, or when it can't be opened: then it is freed with its name. */
function openLarge(
  { disk, stepBytes = STEP_BYTES }: GradualDeletion,
  path: string,
): DiskFile | null {
  try {
    if ((disk.statSync(path)?.sizeBytes ?? 0) <= stepBytes) return null;
    return disk.openSync(path, "write");
  } catch (error) {
    if (error instanceof DiskError) return null;
    throw error;
  }
}

async function free(
  { clock, signal, stepBytes = STEP_BYTES }: GradualDeletion,
  file: DiskFile,
): Promise<void> {
  try {
    for (let left = file.sizeSync(); left > 0;) {
      left = signal?.aborted === true ? 0 : Math.max(0, left - stepBytes);
      const beganMs = clock.monotonicMs();
      await file.truncate(left);
      const restMs = Math.max(REST_MS_MIN, clock.monotonicMs() - beganMs);
      if (left > 0) await clock.sleep(restMs, signal).catch(() => {});
    }
  } catch (error) {
    // What couldn't be cut away is freed when the file is closed.
    if (!(error instanceof DiskError)) throw error;
  }
}
