// Whole stores that are spoiled and then opened by a broker: it must open or say why not, and what it serves must be
// records. One store is made once: log, queues, index, checkpoint, tables with their backups.
import { MemoryDisk } from "../../../core/disk/memory_disk.ts";
import { DiskError } from "../../../core/disk/disk.ts";
import { DecodeError, OperationError, UsageError } from "../../../core/errors.ts";
import { type Random, randomBelow, seededRandom } from "../../../core/random.ts";
import { Rig } from "../simulation/rig.ts";
import { STORE_PATH } from "../simulation/paths.ts";
import { mutate } from "./mutate.ts";

const SENDS = 60;
const SPOILED_MAX = 3;

export type StoreFile = readonly [path: string, bytes: Uint8Array];

/** A store's files as a clean stop leaves them; or with the mark of a crash. */
export async function makeStore(isClean: boolean): Promise<StoreFile[]> {
  const rig = new Rig({ flushDiskType: "ASYNC_FLUSH" });
  await rig.open();
  for (let count = 0; count < SENDS; count++) {
    await rig.send(40 + count * 17, count % 9 === 0 ? [["DELAY", "3"]] : []);
  }
  await rig.clock.advance(3000);
  await rig.readAll();
  if (isClean) await rig.life.close();
  else rig.crash("process");
  const files: StoreFile[] = [];
  const visit = (path: string) => {
    for (const name of rig.memory.listSync(path)) {
      const child = `${path}/${name}`;
      if (rig.memory.statSync(child)!.isDirectory) visit(child);
      else files.push([child, rig.memory.contents(child)]);
    }
  };
  visit(STORE_PATH);
  return files;
}

/**
 * Spoils some of the files, opens the store, reads everything. Gives what was wrong with what was served, or how it was
 * refused; throws what nobody meant to throw.
 */
export async function openSpoiled(files: readonly StoreFile[], seed: number): Promise<string> {
  const random = seededRandom(seed);
  const disk = new MemoryDisk(seededRandom(seed));
  const spoiled = new Set<number>();
  for (let count = 1 + randomBelow(random, SPOILED_MAX); count > 0; count--) {
    spoiled.add(randomBelow(random, files.length));
  }
  files.forEach(([path, bytes], index) => {
    if (!spoiled.has(index)) disk.place(path, bytes);
    else placeSpoiled(disk, path, bytes, random);
  });
  const rig = new Rig({ flushDiskType: "ASYNC_FLUSH" }, disk, 1_700_000_100_000);
  const opened = await rig.open();
  if (opened.kind === "failed") {
    if (isTyped(opened.error)) return "refused";
    throw opened.error;
  }
  const { code } = (await rig.send(50))[1];
  if (code !== 0) return `refuses sends with ${code}`;
  await rig.readAll();
  const closed = await rig.life.close();
  if (closed.kind === "failed" && !isTyped(closed.error)) throw closed.error;
  return "opened";
}

function placeSpoiled(disk: MemoryDisk, path: string, bytes: Uint8Array, random: Random): void {
  const kind = randomBelow(random, 8);
  if (kind === 0) return;
  // Files of fixed length are refused by their length alone: mostly it is kept.
  disk.place(path, mutate(bytes, random, kind > 1));
}

function isTyped(error: unknown): boolean {
  return error instanceof OperationError || error instanceof DiskError ||
    error instanceof DecodeError || error instanceof UsageError;
}
