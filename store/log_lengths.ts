// Log files whose length isn't the configured one, before the log is opened. Where it is certain that another length isn't
// meant they get theirs back: a last file that was cut short is lengthened, and recovery finds what is torn in it; what
// stands behind a file's own length is kept aside. A file that was cut short among others is left as it is, and refused
// when the log is opened: recovery would take the gap for the log's end.
import { basename } from "node:path";
import type { Disk } from "../core/disk/disk.ts";
import type { Logger } from "../core/log.ts";
import { isSegmentName } from "./file/segment_files.ts";
import type { KeptAside } from "./kept_aside.ts";

/** No log is configured in odd sizes: such a file was cut, or something was added to it. */
export const LOG_UNIT_BYTES = 1024;

export interface LogLengthsParts {
  disk: Disk;
  log: Logger;
  keptAside: KeptAside;
  /** The log's folder. */
  path: string;
  fileSizeBytes: number;
}

export type LengthMend = "lengthen" | "cut";

/** What is done about each file's length; null: nothing, since it is right or nobody can tell what is meant. */
export function lengthMends(
  sizes: readonly number[],
  fileSizeBytes: number,
): (LengthMend | null)[] {
  const isConfirmed = sizes.includes(fileSizeBytes);
  return sizes.map((sizeBytes, index) => {
    if (!isConfirmed && sizeBytes % LOG_UNIT_BYTES === 0) return null;
    if (sizeBytes > fileSizeBytes) return "cut";
    const isLast = index === sizes.length - 1;
    return isLast && sizeBytes > 0 && sizeBytes < fileSizeBytes ? "lengthen" : null;
  });
}

/** Gives the offset where the last file was cut short; Infinity when it wasn't. Throws DiskError. */
export async function mendLogLengths(parts: LogLengthsParts): Promise<number> {
  const { disk, fileSizeBytes, path } = parts;
  let contentEnd = Infinity;
  if (disk.statSync(path)?.isDirectory !== true) return contentEnd;
  const files = disk.listSync(path).filter(isSegmentName).map((name) => `${path}/${name}`);
  const sizes = files.map((file) => disk.statSync(file)?.sizeBytes ?? 0);
  for (const [index, mend] of lengthMends(sizes, fileSizeBytes).entries()) {
    if (mend === null || disk.statSync(files[index]!)?.isDirectory !== false) continue;
    if (mend === "cut") await cutExcess(parts, files[index]!, sizes[index]!);
    if (mend !== "lengthen") continue;
    lengthen(parts, files[index]!, sizes[index]!);
    contentEnd = Number(basename(files[index]!)) + sizes[index]!;
  }
  return contentEnd;
}

function lengthen({ disk, fileSizeBytes, log }: LogLengthsParts, path: string, was: number): void {
  const file = disk.openSync(path, "write");
  try {
    file.truncateSync(fileSizeBytes);
    file.datasyncSync();
  } finally {
    void file.close();
  }
  log.error(
    "the log's last file was cut short: it has its length again, and ends where it was cut",
    {
      path,
      sizeBytes: was,
      fileSizeBytes,
    },
  );
}

async function cutExcess(
  { disk, fileSizeBytes, keptAside, log }: LogLengthsParts,
  path: string,
  sizeBytes: number,
): Promise<void> {
  const file = disk.openSync(path, "write");
  try {
    const name = `commitlog-${basename(path)}-excess`;
    const keptAs = await keptAside.copy(file, name, fileSizeBytes, sizeBytes);
    await file.truncate(fileSizeBytes);
    await file.datasync();
    log.error("a file of the log was too long: what stood behind its end is kept aside", {
      path,
      sizeBytes,
      keptAs,
    });
  } finally {
    await file.close();
  }
}
