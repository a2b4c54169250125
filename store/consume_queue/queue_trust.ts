// What a checkpoint may say of the queues' ends and what a start may believe of it: gives the ends of very many queues,
// knows what makes them untrue, and looks at the queues that were taken by them once the broker serves.
import type { Buffer } from "node:buffer";
import { DiskError } from "../../core/disk/disk.ts";
import type { Logger } from "../../core/log.ts";
import type { BackgroundTask } from "../../core/time/background.ts";
import { SETTLE_REST_MS, SETTLED_AT_ONCE } from "./limits.ts";
import { encodeQueueEnds, type QueueEndsOf } from "./queue_ends.ts";
import type { UnitQueue } from "./unit_queue.ts";

/** Minimum offsets are behind the log's beginning. */
export const NOT_CORRECTED = -1;
/** Longer than a broker lives, and short enough for a timer. */
const NEVER_MS = 2 ** 31 - 1;

export interface QueueTrustOptions {
  log: Logger;
  fileBytes: number;
  /** Fewer queues are looked at by a start. */
  endsMin: number;
  /** What was given is no longer true. Throws DiskError. */
  onUntrue?: () => void;
}

/** Queues' ends at one instant; `areTrue` tells whether they still count. */
export interface TakenEnds {
  bytes: Buffer;
  areTrue: () => boolean;
}

export class QueueTrust {
  /** Taken as the checkpoint has them; their files are still to be looked at. */
  private untried: UnitQueue[] = [];
  /** Counts what makes ends untrue that were given before. */
  private turn = 0;
  /** Where the log began when all minimum offsets were right last. */
  private correctedFor = NOT_CORRECTED;
  /** No ends are given in this life: those that a start believed were untrue, or queues were too few then. */
  private isUntold = false;

  constructor(private readonly options: QueueTrustOptions) {}

  /** Queues that nobody has looked at yet. */
  get untriedCount(): number {
    return this.untried.length;
  }

  /**
   * A queue of so many was loaded from its files, which nobody may have synced: a deletion that failed leaves such ones. The
   * ends that a checkpoint tells must be durable.
   */
  lookedAt(queue: UnitQueue, count: number): void {
    if (count >= this.options.endsMin) queue.markUnsynced(queue.firstByte);
    else this.isUntold = true;
  }

  add(queue: UnitQueue): void {
    this.untried.push(queue);
  }

  clear(): void {
    this.untried = [];
  }

  /** All minimum offsets are those of a log that begins at `minPhysicalOffset`. */
  corrected(minPhysicalOffset: number): void {
    this.correctedFor = minPhysicalOffset;
  }

  /** Before files are removed that ends count on. */
  filesGo(): void {
    this.turn++;
    this.options.onUntrue?.();
  }

  /** Where the queues end now, for the checkpoint that will say so once they are durable; null for few of them. */
  endsOf(
    of: Pick<QueueEndsOf, "queueOffsets" | "replayFrom">,
    topics: ReadonlyMap<string, ReadonlyMap<number, UnitQueue>>,
  ): TakenEnds | null {
    const { correctedFor, options: { endsMin, fileBytes }, turn } = this;
    let count = 0;
    for (const queues of topics.values()) count += queues.size;
    if (count < endsMin || this.isUntold || correctedFor === NOT_CORRECTED) return null;
    const ends = [...topics].map(([topic, queues]): [string, UnitQueue[]] => [
      topic,
      [...queues.values()].filter(canBeTold),
    ]);
    const bytes = encodeQueueEnds({ ...of, minPhysicalOffset: correctedFor, fileBytes }, ends);
    return { bytes, areTrue: () => turn === this.turn };
  }

  /** Looks at all queues that were taken by their ends, a few at a time; those of topics that are gone don't count. */
  settling(hasTopic: (topic: string) => boolean): BackgroundTask {
    return {
      name: "looking at the consume queues",
      intervalMs: () => this.untried.length > 0 ? SETTLE_REST_MS : NEVER_MS,
      tick: () => this.settleSome(hasTopic),
    };
  }

  private async settleSome(hasTopic: (topic: string) => boolean): Promise<"idle"> {
    for (let count = 0; count < SETTLED_AT_ONCE; count++) {
      const queue = this.untried.at(-1);
      if (queue === undefined) break;
      const problem = await problemOf(queue);
      this.untried.pop();
      if (problem !== null && !queue.isDeleted && hasTopic(queue.topic)) this.lost(queue, problem);
    }
    return "idle";
  }

  /** The next start finds that the checkpoint counts more than there is, and makes the queue again. */
  private lost({ queueId, topic }: UnitQueue, problem: string): void {
    this.isUntold = true;
    this.filesGo();
    this.options.log.error(
      "a queue's files aren't what the last checkpoint says: the next start makes it again from the log",
      { topic, queueId, problem },
    );
  }
}

async function problemOf(queue: UnitQueue): Promise<string | null> {
  try {
    return await queue.settle();
  } catch (error) {
    if (error instanceof DiskError) return error.message;
    throw error;
  }
}

/** One whose end is in no file yet is looked at by the next start. */
function canBeTold({ endByte, files, kind }: UnitQueue): boolean {
  return kind === "simple" && files.exist && endByte <= files.end;
}
