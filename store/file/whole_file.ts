// Small files read and written at once, with their bytes made durable. Knows no format; names and folders are the callers'.
import { Buffer } from "node:buffer";
import { type Disk, DiskError, type DiskFile } from "../../core/disk/disk.ts";

/** The first bytes of a file, fewer when it is shorter; null when it can't be read. */
export function readBytes(disk: Disk, path: string, length: number): Buffer | null {
  let file: DiskFile | null = null;
  try {
    file = disk.openSync(path, "read");
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, file.readSync(bytes, 0, length, 0));
  } catch (error) {
    if (error instanceof DiskError) return null;
    throw error;
  } finally {
    void file?.close();
  }
}

/** Makes a file of these bytes alone, and the bytes durable; a new name isn't yet. Rejects with DiskError. */
export async function writeBytes(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const file = disk.openSync(path, "create");
  try {
    file.truncateSync(0);
    await file.write(bytes, 0, bytes.length, 0);
    await file.datasync();
  } finally {
    await file.close();
  }
}
