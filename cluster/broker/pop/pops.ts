// Serves POP: gives a group messages of any of its queues for a while, with a checkpoint that brings back what isn't
// acknowledged. Nothing is answered before its checkpoint is stored (Java: PopMessageProcessor).
import type { Buffer } from "node:buffer";
import { AssertionError, RequestError } from "../../../core/errors.ts";
import type { Logger } from "../../../core/log.ts";
import {
  addOffsetInfo,
  POP_ORDER_REVIVE_QUEUE,
  retryMarkOf,
} from "../../../core/message/receipt_handle.ts";
import { popRetryTopicV1 } from "../../../core/message/topic_names.ts";
import { type Random, randomBelow } from "../../../core/random.ts";
import { answerTo } from "../../../core/remoting/answers.ts";
import { POP_MESSAGE } from "../../../core/remoting/codes/pop.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import { OffsetTable } from "../offsets/offset_table.ts";
import { FilteredScan } from "../pull/filtered_scan.ts";
import { RecordBytes } from "../pull/record_bytes.ts";
import { Selection, type SelectionSettings, Selector } from "../pull/selection.ts";
import type { StatsSink } from "../stats_sink.ts";
import type { Checkpoints } from "./checkpoints.ts";
import { HeldPops } from "./held_pops.ts";
import type { OrderTable } from "./order_table.ts";
import {
  type AllowedPop,
  checkPop,
  isPriorityPop,
  type PopCheckParts,
  popRetryTopic,
} from "./pop_checks.ts";
import type { PopOffsets } from "./pop_offsets.ts";
import type { PopQueue, PopQueues } from "./pop_queues.ts";
import { asRecordsOf, readSelection } from "./pop_records.ts";
import { PopRequest, PopRun } from "./pop_request.ts";
import type { PopSettings } from "./pop_settings.ts";

export interface PopParts extends PopCheckParts {
  store: MessageStore;
  offsets: OffsetTable;
  orders: OrderTable;
  queues: PopQueues;
  popOffsets: PopOffsets;
  checkpoints: Checkpoints;
  settings: PopSettings & SelectionSettings;
  random: Random;
  stats: StatsSink;
  log: Logger;
  physicalMemoryBytes: number;
}

/** Selections kept for reuse. */
const SELECTION_POOL_MAX = 64;

export class Pops implements Disposable {
  readonly held: HeldPops<PopRequest>;
  private readonly selector: Selector;
  private readonly records: RecordBytes;
  private readonly pool: Selection[] = [];
  private reviveTurn = 0;

  constructor(private readonly parts: PopParts) {
    const { clock, settings, store } = parts;
    this.held = new HeldPops(clock, settings, (request) => this.resume(request));
    this.selector = new Selector(store, settings, parts.physicalMemoryBytes);
    this.records = new RecordBytes(store, parts.log);
  }

  [Symbol.dispose](): void {
    this.held[Symbol.dispose]();
  }

  /** Serves a pop, now or when there is something. */
  pop(request: PopRequest): void {
    this.run(request).catch((error: unknown) => this.refuse(request, error));
  }

  private resume(request: PopRequest): void {
    request.arrivedMs = this.parts.clock.monotonicMs();
    this.pop(request);
  }

  /** Apache's refusals carry the answer's numbers, all 0. */
  private refuse(request: PopRequest, error: unknown): void {
    if (error instanceof AssertionError) throw error;
    const isExpected = error instanceof RequestError;
    if (!isExpected) this.parts.log.error("a pop failed", { topic: request.topic, error });
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    request.connection.send(answerTo(request.command, POP_MESSAGE, {
      code: isExpected ? error.code : ResponseCode.SYSTEM_ERROR,
      remark: isExpected ? error.remark : text,
      fields: { popTime: 0, invisibleTime: 0, reviveQid: 0, restNum: 0 },
    }));
  }

  private async run(request: PopRequest): Promise<void> {
    const { fields, connection, bornMs } = request;
    const allowed = checkPop(this.parts, fields, bornMs, connection.remoteAddress);
    request.subscription = allowed.subscription;
    request.filter = allowed.filter;
    const run = new PopRun(this.parts.clock.nowMs(), this.nextReviveQueue(fields.order));
    await this.gather(request, allowed, run);
    // A checkpoint that couldn't be stored is tried again; until then the group's offset stays before it.
    if (run.stored.length > 0) await Promise.all(run.stored);
    this.answer(request, run);
  }

  private nextReviveQueue(isOrderly: boolean): number {
    if (isOrderly) return POP_ORDER_REVIVE_QUEUE;
    return this.reviveTurn++ % this.parts.settings.reviveQueueNum;
  }

  /** Looks through the topic's queues and those of its retry topic, retries first now and then. */
  private async gather(request: PopRequest, allowed: AllowedPop, run: PopRun): Promise<void> {
    const { settings } = this.parts;
    const { topic, fields } = request;
    const draw = randomBelow(this.parts.random, 100);
    const byPriority = !fields.order && isPriorityPop(allowed, draw);
    const retryPercent = byPriority
      ? settings.popFromRetryProbabilityForPriority
      : settings.popFromRetryProbability;
    const retryFirst = draw < retryPercent;
    const first = byPriority ? 0 : draw;
    const retryTopic = this.retryTopicOf(request, draw);
    if (retryFirst && !fields.order) {
      await this.gatherTopic(request, allowed, run, retryTopic, first);
    }
    if (fields.queueId < 0) await this.gatherTopic(request, allowed, run, topic, first);
    else await this.gatherQueue(request, allowed, run, topic, fields.queueId);
    if (!retryFirst && run.messageCount < fields.maxMsgNums && !fields.order) {
      await this.gatherTopic(request, allowed, run, retryTopic, first);
    }
  }

  /** An answer can name retry messages of one naming only, so that both are looked at in turn. */
  private retryTopicOf({ topic, group }: PopRequest, draw: number): string {
    const { settings } = this.parts;
    const isOldTurn = settings.enableRetryTopicV2 &&
      settings.retrieveMessageFromPopRetryTopicV1 && draw % 2 === 0;
    return isOldTurn ? popRetryTopicV1(topic, group) : popRetryTopic(topic, group, settings);
  }

  private async gatherTopic(
    request: PopRequest,
    allowed: AllowedPop,
    run: PopRun,
    topic: string,
    first: number,
  ): Promise<void> {
    const count = this.parts.topics.get(topic)?.readQueueNums ?? 0;
    for (let index = 0; index < count; index++) {
      const turn = this.parts.settings.priorityOrderAsc ? count - 1 - index : index;
      const waiting = this.gatherQueue(request, allowed, run, topic, (turn + first) % count);
      if (waiting !== null) await waiting;
    }
  }

  /** Takes messages of one queue; a promise when the disk is needed. */
  private gatherQueue(
    request: PopRequest,
    allowed: AllowedPop,
    run: PopRun,
    topic: string,
    queueId: number,
  ): Promise<void> | null {
    const { queues, popOffsets, settings, orders, clock } = this.parts;
    const { group, fields } = request;
    const queue = queues.of(OffsetTable.key(topic, group), topic, group, queueId);
    queue.usedMs = clock.nowMs();
    if (queue.isBusy) {
      run.shouldRunAgain = true;
      if (!fields.order) run.restCount += popOffsets.restCount(topic, group, queueId);
      return null;
    }
    if (
      settings.enablePopMessageThreshold &&
      queue.inFlightCount > settings.popInflightMessageThreshold
    ) {
      run.restCount += popOffsets.restCount(topic, group, queueId);
      return null;
    }
    const offset = popOffsets.begin(queue, fields.initMode);
    if (fields.order) {
      const attemptId = fields.attemptId ?? null;
      if (orders.isBlocked(attemptId, topic, group, queueId, fields.invisibleTime)) return null;
      queue.inFlightCount = 0;
    }
    if (run.messageCount >= fields.maxMsgNums) {
      const bounds = this.parts.store.queueBounds(topic, queueId);
      run.restCount += (bounds?.maxOffset ?? 0) - offset;
      return null;
    }
    return this.take(request, allowed, run, queue, offset);
  }

  private take(
    request: PopRequest,
    allowed: AllowedPop,
    run: PopRun,
    queue: PopQueue,
    offset: number,
  ): Promise<void> | null {
    const selection = this.pool.pop() ?? new Selection();
    const count = request.fields.maxMsgNums - run.messageCount;
    const from = this.corrected(queue, offset);
    const waiting = this.select(selection, allowed, queue, from, count);
    if (waiting === null && selection.status !== "FOUND") {
      this.taken(request, run, queue, from, selection, null);
      return null;
    }
    if (waiting === null) {
      const body = readSelection(this.records, selection);
      if (!(body instanceof Promise)) {
        this.taken(request, run, queue, from, selection, body);
        return null;
      }
      return this.takeLater(request, run, queue, from, selection, body);
    }
    const body = waiting.then(() =>
      selection.status === "FOUND" ? readSelection(this.records, selection) : null
    );
    return this.takeLater(request, run, queue, from, selection, body);
  }

  /** The queue is closed to other pops while its records are read from the disk. */
  private async takeLater(
    request: PopRequest,
    run: PopRun,
    queue: PopQueue,
    offset: number,
    selection: Selection,
    reading: Promise<Buffer | null>,
  ): Promise<void> {
    queue.isBusy = true;
    try {
      const body = await reading;
      this.taken(request, run, queue, offset, selection, body);
    } finally {
      queue.isBusy = false;
      if (request.fields.order) this.held.wakeAll(request.topic, request.group, queue.queueId);
      else this.held.wakeForQueue(request.topic, request.group, queue.queueId);
    }
  }

  /** An offset outside the queue is moved into it. */
  private corrected(queue: PopQueue, offset: number): number {
    const { topic, group, queueId } = queue;
    const bounds = this.parts.store.queueBounds(topic, queueId);
    if (bounds === null || bounds.maxOffset === 0) return offset;
    if (offset >= bounds.minOffset && offset <= bounds.maxOffset) return offset;
    const moved = offset < bounds.minOffset ? bounds.minOffset : bounds.maxOffset;
    this.parts.log.warn("a pop's offset is corrected", { topic, group, queueId, offset, moved });
    this.parts.offsets.commit(topic, group, queueId, moved);
    return moved;
  }

  private select(
    selection: Selection,
    { subscription, filter }: AllowedPop,
    { topic, queueId }: PopQueue,
    offset: number,
    count: number,
  ): Promise<void> | null {
    if (filter === null) {
      this.selector.select(selection, topic, queueId, offset, count, subscription);
      return null;
    }
    const scan = new FilteredScan(this.parts.store, this.records, this.selector, filter);
    const fields = { topic, queueId, queueOffset: offset, maxMsgNums: count };
    return scan.run(selection, fields, subscription);
  }

  /** Settles what a queue gave: checkpoint or order, offsets for the client, the messages themselves. */
  private taken(
    request: PopRequest,
    run: PopRun,
    queue: PopQueue,
    offset: number,
    selection: Selection,
    body: Buffer | null,
  ): void {
    run.restCount += selection.maxOffset - selection.nextOffset;
    if (body === null || selection.recordCount === 0) {
      this.passed(request, run, queue, offset, selection);
      // Its first entry was found damaged, and is mended now.
      if (body !== null && selection.nextOffset <= offset) run.shouldRunAgain = true;
    } else {
      this.gave(request, run, queue, offset, selection, body);
    }
    if (this.pool.length < SELECTION_POOL_MAX) this.pool.push(selection);
  }

  /** Moves on over messages that aren't wanted or are gone. */
  private passed(
    { fields }: PopRequest,
    run: PopRun,
    queue: PopQueue,
    offset: number,
    { status, nextOffset, maxOffset }: Selection,
  ): void {
    if (status !== "NO_MATCHED_MESSAGE" && status !== "MESSAGE_WAS_REMOVING") return;
    if (nextOffset <= offset) return;
    if (fields.order) {
      this.parts.offsets.commit(queue.topic, queue.group, queue.queueId, nextOffset);
    } else {
      this.parts.checkpoints.pass(queue, nextOffset);
    }
    if (nextOffset < maxOffset) run.shouldRunAgain = true;
  }

  private gave(
    request: PopRequest,
    run: PopRun,
    queue: PopQueue,
    startOffset: number,
    selection: Selection,
    body: Buffer,
  ): void {
    const { settings, stats } = this.parts;
    const { topic, group, queueId } = queue;
    const { invisibleTime: invisibleMs, order } = request.fields;
    const { popTimeMs, reviveQueueId } = run;
    const offsets = [...selection.queueOffsets.subarray(0, selection.recordCount)];
    stats.groupGot(group, topic, queueId, selection.messageCount, selection.totalBytes);
    stats.brokerGot(request.topic, selection.messageCount);
    if (order) this.gaveInOrder(request, run, queue, startOffset, offsets);
    else {
      stats.checkpointed(group, request.topic);
      const checkpoint = {
        topic,
        group,
        queueId,
        startOffset,
        popTimeMs,
        invisibleMs,
        brokerName: settings.brokerName,
        messageCount: offsets.length,
        offsetDiffs: offsets.map((each) => each - startOffset),
        bits: 0,
        rewriteCount: 0,
      };
      run.stored.push(
        this.parts.checkpoints.add(queue, checkpoint, reviveQueueId, selection.nextOffset),
      );
    }
    const retry = retryMarkOf(topic);
    run.startOffsets = addOffsetInfo(run.startOffsets, retry, queueId, startOffset);
    run.messageOffsets = addOffsetInfo(run.messageOffsets, retry, queueId, offsets.join(","));
    run.messageCount += offsets.length;
    queue.inFlightCount += selection.messageCount;
    const { brokerName } = settings;
    const handle = { startOffset, popTimeMs, invisibleMs, reviveQueueId, retry, brokerName };
    const isShownAsIs = topic === request.topic || settings.popResponseReturnActualRetryTopic;
    run.bodies.push(isShownAsIs ? body : asRecordsOf(request.topic, body, handle));
  }

  private gaveInOrder(
    request: PopRequest,
    run: PopRun,
    queue: PopQueue,
    startOffset: number,
    offsets: number[],
  ): void {
    const { topic, group, queueId } = queue;
    const { popTimeMs } = run;
    const { invisibleTime: invisibleMs, attemptId = null } = request.fields;
    run.orderCounts = this.parts.orders.popped(
      topic,
      group,
      queueId,
      { attemptId, popTimeMs, invisibleMs, offsets },
      run.orderCounts,
    );
    this.parts.offsets.commit(topic, group, queueId, startOffset);
  }

  private answer(request: PopRequest, run: PopRun): void {
    const { topic, group, queueId, fields, connection, command } = request;
    let code: number = ResponseCode.SUCCESS;
    if (run.messageCount === 0) {
      const result = this.held.hold(request, fields.pollTime);
      if (result === "held") {
        if (run.shouldRunAgain) {
          this.parts.clock.endOfTurn(() => this.held.wake(topic, group, queueId));
        }
        return;
      }
      code = result === "full" ? ResponseCode.POLLING_FULL : ResponseCode.POLLING_TIMEOUT;
    } else if (run.restCount > 0) {
      this.held.wake(topic, group, queueId);
    }
    const { stats, clock } = this.parts;
    stats.groupGetLatency(group, topic, queueId, clock.monotonicMs() - request.arrivedMs);
    connection.send(answerTo(command, POP_MESSAGE, { code, ...run.answer(fields) }));
  }
}
