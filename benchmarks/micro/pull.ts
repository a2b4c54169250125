// Micro benches of pulling: the walk along a queue, and whole answers of 32 messages from memory and from cold blocks.
import { silentLogger } from "../../core/log.ts";
import { Buffer } from "node:buffer";
import os from "node:os";
import { parseSubscription } from "../../cluster/broker/clients/subscription.ts";
import { FOUND_HEAD_BYTES_MAX, writeFoundHead } from "../../cluster/broker/pull/pull_answer.ts";
import { RecordBytes } from "../../cluster/broker/pull/record_bytes.ts";
import { Selection, Selector } from "../../cluster/broker/pull/selection.ts";
import { nodeDisk } from "../../core/disk/disk_node.ts";
import { SERIALIZE_JSON } from "../../core/remoting/command.ts";
import type { FileMessageStore } from "../../store/message_store_impl.ts";
import { sendCommand } from "./frames.ts";
import { BURST, burstAppender, openStore, RECORD_BYTES, TOPIC_NAME } from "./messages.ts";
import { type Body, keep, type MicroBench } from "./harness.ts";

const ANSWER_MESSAGES = 32;
/** A backlog that neither the hot tail (3 MB) nor the cold blocks (8 MB) hold whole. */
const BACKLOG_BYTES = 48 * 1024 * 1024;
const BACKLOG = Math.ceil(BACKLOG_BYTES / RECORD_BYTES / BURST) * BURST;

/** Apache's defaults. */
const LIMITS = {
  maxFilterMessageSize: 16_000,
  maxTransferBytesOnMessageInMemory: 256 * 1024,
  maxTransferCountOnMessageInMemory: ANSWER_MESSAGES,
  maxTransferBytesOnMessageInDisk: 64 * 1024,
  maxTransferCountOnMessageInDisk: 8,
  accessMessageInMemoryMaxRatio: 40,
};

/** What a broker makes when it starts: what is stored from then on is this run's. */
interface Filled {
  store: FileMessageStore;
  records: RecordBytes;
}

async function filledStore(
  stack: AsyncDisposableStack,
  folder: string,
  count: number,
): Promise<Filled> {
  const store = await openStore(stack, nodeDisk, folder);
  const records = new RecordBytes(store, silentLogger);
  const burst = burstAppender(store);
  for (let stored = 0; stored < count; stored += BURST) burst();
  return { store, records };
}

async function walk(stack: AsyncDisposableStack, folder: string): Promise<Body> {
  const { store } = await filledStore(stack, folder, BACKLOG);
  return (count) => {
    for (let left = count; left > 0;) {
      const cursor = store.openCursor(TOPIC_NAME, 0, 0);
      if (cursor === null) throw new Error("the queue is there");
      while (left > 0 && cursor.next()) {
        keep(cursor.size);
        left--;
      }
    }
  };
}

/** Selects and answers pulls one after the other; gives the offset after the last. */
class Puller {
  readonly selection = new Selection();
  readonly records: RecordBytes;
  private readonly selector: Selector;
  private readonly request = { command: sendCommand(SERIALIZE_JSON) };
  private readonly head = { topicSysFlag: 0, groupSysFlag: 0, suggestedBrokerId: 0 };
  private readonly subscription = parseSubscription(TOPIC_NAME, "*", "TAG", 0)!;
  readonly target = Buffer.alloc(FOUND_HEAD_BYTES_MAX + 2 * ANSWER_MESSAGES * RECORD_BYTES);

  constructor({ records, store }: Filled) {
    this.records = records;
    this.selector = new Selector(store, LIMITS, os.totalmem());
  }

  select(offset: number): void {
    const { selection, subscription } = this;
    this.selector.select(selection, TOPIC_NAME, 0, offset, ANSWER_MESSAGES, subscription);
    if (selection.recordCount !== ANSWER_MESSAGES) throw new Error(selection.status);
  }

  /** Writes the header; gives where the records belong. */
  begin(): number {
    return writeFoundHead(this.request, this.selection, this.head, this.target, 0);
  }
}

async function answerHot(stack: AsyncDisposableStack, folder: string): Promise<Body> {
  const filled = await filledStore(stack, folder, 4096);
  const puller = new Puller(filled);
  return (count) => {
    for (let done = 0; done < count; done++) {
      puller.select(4096 - ANSWER_MESSAGES * (1 + (done & 63)));
      const isWhole = puller.records.copyHot(puller.selection, puller.target, puller.begin());
      if (!isWhole) throw new Error("the records are in the hot tail");
    }
  };
}

async function answerCold(stack: AsyncDisposableStack, folder: string): Promise<Body> {
  const filled = await filledStore(stack, folder, BACKLOG);
  const puller = new Puller(filled);
  let offset = 0;
  return async (count) => {
    for (let done = 0; done < count; done++) {
      if (offset + 2 * ANSWER_MESSAGES > BACKLOG) offset = 0;
      puller.select(offset);
      offset += ANSWER_MESSAGES;
      const held = puller.records.hold(puller.selection);
      if (held === null) throw new Error("the records lie side by side");
      if (held.some((block) => block.loading !== null)) {
        await Promise.all(held.map((block) => block.loading));
      }
      const at = puller.begin();
      if (!puller.records.copyHeld(puller.selection, held, puller.target, at)) {
        throw new Error("the blocks are loaded");
      }
      puller.records.release(held);
    }
  };
}

export const PULL: readonly MicroBench[] = [
  { name: "pull: queue entry walked by a cursor", open: walk },
  { name: "pull: answer of 32 messages from the hot tail", open: answerHot },
  { name: "pull: answer of 32 messages from cold blocks", open: answerCold },
];
