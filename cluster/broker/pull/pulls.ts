// Serves pulls: checks them, selects records, answers, or holds them until a message arrives. The hot path of
// consumers: per pull a few small objects, per message none. Long polling is in held_pulls.ts.
import { Buffer } from "node:buffer";
import { AssertionError, RequestError } from "../../../core/errors.ts";
import type { Logger } from "../../../core/log.ts";
import { answerTo, refusalOf } from "../../../core/remoting/answers.ts";
import { PULL_MESSAGE } from "../../../core/remoting/codes/pull.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import type { RecordFilter } from "../filters/record_filter.ts";
import type { StatsSink } from "../stats_sink.ts";
import type { ColdBlock } from "./cold_blocks.ts";
import { FilteredScan } from "./filtered_scan.ts";
import { HeldPulls } from "./held_pulls.ts";
import { FOUND_HEAD_BYTES_MAX, type FoundHead, writeFoundHead } from "./pull_answer.ts";
import { type AllowedPull, checkPull, type PullCheckParts, PullForbidden } from "./pull_checks.ts";
import { PullProgress, type PullProgressParts } from "./pull_progress.ts";
import { PULL_SUSPENDS, type PullRequest } from "./pull_request.ts";
import type { PullSettings } from "./pull_settings.ts";
import { RecordBytes } from "./record_bytes.ts";
import { Selection, Selector } from "./selection.ts";

export interface PullParts extends PullCheckParts, PullProgressParts {
  settings: PullSettings;
  store: MessageStore;
  stats: StatsSink;
  log: Logger;
  physicalMemoryBytes: number;
}

/** Selections kept for reuse. */
const SELECTION_POOL_MAX = 64;

export class Pulls implements Disposable {
  readonly held: HeldPulls;
  private readonly selector: Selector;
  private readonly records: RecordBytes;
  private readonly progress: PullProgress;
  private readonly pool: Selection[] = [];
  private readonly head: FoundHead = { topicSysFlag: 0, groupSysFlag: 0, suggestedBrokerId: 0 };

  constructor(private readonly parts: PullParts) {
    this.held = new HeldPulls(
      parts.clock,
      (request) => this.resume(request),
      (filter, topic, queueId, queueOffset) => this.passes(filter, topic, queueId, queueOffset),
    );
    this.selector = new Selector(parts.store, parts.settings, parts.physicalMemoryBytes);
    this.records = new RecordBytes(parts.store, parts.log);
    this.progress = new PullProgress(parts);
    parts.store.onArrival((topic, queueId, queueOffset, tagsCode) =>
      this.held.arrived(topic, queueId, queueOffset, tagsCode)
    );
  }

  [Symbol.dispose](): void {
    this.held[Symbol.dispose]();
  }

  /** Serves a pull on its first arrival. Throws RequestError when it is refused. */
  pull(request: PullRequest): void {
    this.serve(request, checkPull(this.parts, request));
  }

  /** Runs a held pull again: it is answered now, whatever comes of it. */
  private resume(request: PullRequest): void {
    request.maySuspend = false;
    request.arrivedMs = this.parts.clock.monotonicMs();
    try {
      this.pull(request);
    } catch (error) {
      this.refuse(request, error);
    }
  }

  /** The answer of a refused pull. */
  refuse(request: PullRequest, error: unknown): void {
    if (error instanceof AssertionError) throw error;
    const { command, connection } = request;
    if (error instanceof PullForbidden) {
      const { forbiddenType } = error;
      const refusal = { code: error.code, remark: error.remark, fields: { forbiddenType } };
      return connection.send(answerTo(command, PULL_MESSAGE, refusal));
    }
    if (error instanceof RequestError) {
      return connection.send(refusalOf(command, error.code, error.remark));
    }
    this.parts.log.error("a pull failed", { topic: request.fields.topic, error });
    const remark = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    connection.send(refusalOf(command, ResponseCode.SYSTEM_ERROR, remark));
  }

  private serve(request: PullRequest, allowed: AllowedPull): void {
    const selection = this.pool.pop() ?? new Selection();
    const resetOffset = this.progress.resetOffset(request);
    if (resetOffset >= 0) this.selectReset(selection, request, resetOffset);
    else {
      const { topic, queueId, queueOffset, maxMsgNums } = request.fields;
      const { subscription, filter } = allowed;
      if (filter !== null) return this.serveFiltered(request, allowed, selection, filter);
      this.selector.select(selection, topic, queueId, queueOffset, maxMsgNums, subscription);
    }
    this.answer(request, allowed, selection);
  }

  /** The same for a filter that looks at the records themselves, which may have to be read first. */
  private serveFiltered(
    request: PullRequest,
    allowed: AllowedPull,
    selection: Selection,
    filter: RecordFilter,
  ): void {
    const scan = new FilteredScan(this.parts.store, this.records, this.selector, filter);
    const waiting = scan.run(selection, request.fields, allowed.subscription);
    if (waiting === null) return this.answer(request, allowed, selection);
    waiting.then(() => this.answer(request, allowed, selection)).catch((error: unknown) =>
      this.failed(request, selection, error)
    );
  }

  /** Whether a filter lets the message through that has just arrived; what can't be read at once is taken for wanted. */
  private passes(
    filter: RecordFilter,
    topic: string,
    queueId: number,
    queueOffset: number,
  ): boolean {
    const { store } = this.parts;
    const cursor = store.openCursor(topic, queueId, queueOffset);
    if (cursor === null || !cursor.next()) return true;
    const view = store.readHot(cursor.physicalOffset, cursor.size);
    return view === null || filter.matches(view.buffer as Buffer, view.start, cursor.size);
  }

  private answer(request: PullRequest, allowed: AllowedPull, selection: Selection): void {
    if (selection.status === "FOUND") return this.answerFound(request, allowed, selection);
    if (selection.status === "NO_MATCHED_MESSAGE" && this.waitsForMends(request, allowed)) {
      return this.release(selection);
    }
    this.answerNothing(request, allowed, selection);
    this.release(selection);
  }

  /** Serves a pull again when damaged entries of its queue are mended, before which its walk stopped; false without such. */
  private waitsForMends(request: PullRequest, allowed: AllowedPull): boolean {
    const { queueId, topic } = request.fields;
    const mends = this.parts.store.entries.mends(topic, queueId);
    if (mends === null) return false;
    mends.then(() => {
      if (!request.connection.closed) this.serve(request, allowed);
    }).catch((error: unknown) => this.refuse(request, error));
    return true;
  }

  private selectReset(selection: Selection, request: PullRequest, offset: number): void {
    const bounds = this.parts.store.queueBounds(request.fields.topic, request.fields.queueId);
    selection.reset("OFFSET_RESET", offset);
    selection.minOffset = bounds?.minOffset ?? 0;
    selection.maxOffset = bounds?.maxOffset ?? 0;
  }

  private answerNothing(request: PullRequest, allowed: AllowedPull, selection: Selection): void {
    const code = codeOf(selection, request.fields.queueOffset);
    this.parts.stats.getMissed();
    this.progress.note(request, selection.nextOffset, code);
    if (code === ResponseCode.PULL_NOT_FOUND && this.suspend(request, allowed)) return;
    if (code === ResponseCode.PULL_OFFSET_MOVED) {
      this.parts.log.warn("a pull's offset is corrected", {
        topic: request.fields.topic,
        group: request.fields.consumerGroup,
        queueId: request.fields.queueId,
        requestedOffset: request.fields.queueOffset,
        nextOffset: selection.nextOffset,
        status: selection.status,
      });
    }
    request.connection.send(answerTo(request.command, PULL_MESSAGE, {
      code,
      remark: selection.status,
      fields: {
        suggestWhichBrokerId: this.suggestedBrokerId(allowed, selection),
        nextBeginOffset: selection.nextOffset,
        minOffset: selection.minOffset,
        maxOffset: selection.maxOffset,
        topicSysFlag: allowed.topic.topicSysFlag,
        groupSysFlag: allowed.group.groupSysFlag,
      },
    }));
  }

  /** Holds the pull when it asked for that; false when it must be answered. */
  private suspend(request: PullRequest, allowed: AllowedPull): boolean {
    if (!request.maySuspend || (request.fields.sysFlag & PULL_SUSPENDS) === 0) return false;
    const { settings } = this.parts;
    const timeoutMs = settings.longPollingEnable
      ? request.fields.suspendTimeoutMillis
      : settings.shortPollingTimeMills;
    return this.held.hold(request, allowed.subscription, timeoutMs, allowed.filter);
  }

  private answerFound(request: PullRequest, allowed: AllowedPull, selection: Selection): void {
    this.progress.note(request, selection.nextOffset, ResponseCode.SUCCESS);
    const { records } = this;
    if (records.isHot(selection)) {
      const copy = (target: Buffer, at: number) => records.copyHot(selection, target, at);
      if (this.answerNow(request, allowed, selection, copy)) return;
    }
    const held = records.hold(selection);
    if (held === null) return this.answerSparse(request, allowed, selection);
    if (held.every((block) => block.loading === null)) {
      return this.answerHeld(request, allowed, selection, held);
    }
    Promise.all(held.map((block) => block.loading)).then(() =>
      this.answerHeld(request, allowed, selection, held)
    ).catch((error: unknown) => this.failed(request, selection, error));
  }

  /** Answers from blocks that are in memory now; what they lack is read record by record. */
  private answerHeld(
    request: PullRequest,
    allowed: AllowedPull,
    selection: Selection,
    held: readonly ColdBlock[],
  ): void {
    const { records } = this;
    const isAnswered = this.answerNow(
      request,
      allowed,
      selection,
      (target, at) => records.copyHeld(selection, held, target, at),
    );
    records.release(held);
    if (!isAnswered) this.answerSparse(request, allowed, selection);
  }

  /** Writes the answer straight into the connection's outgoing bytes; false when `copy` couldn't. */
  private answerNow(
    request: PullRequest,
    allowed: AllowedPull,
    selection: Selection,
    copy: (target: Buffer, at: number) => boolean,
  ): boolean {
    const { connection } = request;
    const { buffer, start } = connection.reserve(FOUND_HEAD_BYTES_MAX + selection.totalBytes);
    const head = this.headOf(allowed, selection);
    const bodyStart = writeFoundHead(request, selection, head, buffer, start);
    if (!copy(buffer, bodyStart)) return false;
    connection.commit(bodyStart + selection.totalBytes - start);
    this.answered(request, selection);
    return true;
  }

  /** The answer whose records lie far apart in the log, or have begun to leave it. */
  private answerSparse(request: PullRequest, allowed: AllowedPull, selection: Selection): void {
    const target = Buffer.allocUnsafeSlow(FOUND_HEAD_BYTES_MAX + selection.totalBytes);
    const bodyStart = writeFoundHead(
      request,
      selection,
      this.headOf(allowed, selection),
      target,
      0,
    );
    this.records.copyOneByOne(selection, target, bodyStart).then(() => {
      if (selection.recordCount === 0) {
        this.answerNothing(request, allowed, selection);
        return this.release(selection);
      }
      // Records that left the log meanwhile are skipped, which changes the frame's length; a smaller next offset, the head's.
      const start = writeFoundHead(request, selection, this.headOf(allowed, selection), target, 0);
      if (start < bodyStart) target.copyWithin(start, bodyStart, bodyStart + selection.totalBytes);
      request.connection.sendBytes(target.subarray(0, start + selection.totalBytes));
      this.answered(request, selection);
    }).catch((error: unknown) => this.failed(request, selection, error));
  }

  private failed(request: PullRequest, selection: Selection, error: unknown): void {
    this.release(selection);
    this.refuse(request, error);
  }

  private answered(request: PullRequest, selection: Selection): void {
    const { stats, clock } = this.parts;
    const { consumerGroup: group, topic, queueId } = request.fields;
    stats.groupGot(group, topic, queueId, selection.messageCount, selection.totalBytes);
    stats.brokerGot(topic, selection.messageCount);
    stats.groupGetLatency(group, topic, queueId, clock.monotonicMs() - request.arrivedMs);
    stats.fellBehind(group, topic, queueId, selection.behindBytes);
    this.release(selection);
  }

  private headOf(allowed: AllowedPull, selection: Selection): FoundHead {
    const { head } = this;
    head.topicSysFlag = allowed.topic.topicSysFlag;
    head.groupSysFlag = allowed.group.groupSysFlag;
    head.suggestedBrokerId = this.suggestedBrokerId(allowed, selection);
    return head;
  }

  private suggestedBrokerId(allowed: AllowedPull, selection: Selection): number {
    if (!this.parts.settings.slaveReadEnable) return 0;
    return selection.fellBehind
      ? allowed.group.whichBrokerWhenConsumeSlowly
      : allowed.group.brokerId;
  }

  private release(selection: Selection): void {
    if (this.pool.length < SELECTION_POOL_MAX) this.pool.push(selection);
  }
}

/** The response code of a pull that found nothing (Java: PullMessageProcessor.composeResponseHeader). */
function codeOf(selection: Selection, requestedOffset: number): number {
  switch (selection.status) {
    case "MESSAGE_WAS_REMOVING":
    case "NO_MATCHED_MESSAGE":
      return ResponseCode.PULL_RETRY_IMMEDIATELY;
    case "NO_MESSAGE_IN_QUEUE":
      return requestedOffset === 0 ? ResponseCode.PULL_NOT_FOUND : ResponseCode.PULL_OFFSET_MOVED;
    case "OFFSET_OVERFLOW_ONE":
      return ResponseCode.PULL_NOT_FOUND;
    case "OFFSET_OVERFLOW_BADLY":
    case "OFFSET_TOO_SMALL":
    case "OFFSET_RESET":
      return ResponseCode.PULL_OFFSET_MOVED;
    case "FOUND":
      return ResponseCode.SUCCESS;
  }
}
