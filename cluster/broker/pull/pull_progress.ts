// What pulls have to do with offsets: where one is sent instead of where it asks to go, and what it leaves behind for
// lag figures, commits and broadcasting members (Java: PullMessageProcessor, BroadcastOffsetManager).
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import type { Consumers } from "../clients/consumers.ts";
import type { BroadcastOffsets } from "../offsets/broadcast_offsets.ts";
import type { OffsetTable } from "../offsets/offset_table.ts";
import { PULL_COMMITS, type PullRequest, SOURCE_PROXY_FOR_BROADCAST } from "./pull_request.ts";

export interface PullProgressParts {
  consumers: Consumers;
  offsets: OffsetTable;
  broadcastOffsets: BroadcastOffsets;
  settings: { useServerSideResetOffset: boolean; enableBroadcastOffsetStore: boolean };
}

export class PullProgress {
  constructor(private readonly parts: PullProgressParts) {}

  /** Where the pull is sent instead, because its offset was reset; -1 when it may have what it asks for. */
  resetOffset(request: PullRequest): number {
    const { offsets, settings, broadcastOffsets } = this.parts;
    if (offsets.anyReset) {
      const reset = offsets.takeReset(request.offsetKey, request.fields.queueId);
      if (reset !== undefined && settings.useServerSideResetOffset) return reset;
    }
    if (!settings.enableBroadcastOffsetStore) return -1;
    const clientId = this.broadcastClient(request);
    if (clientId === null) return -1;
    const { topic, consumerGroup, queueId, queueOffset, requestSource } = request.fields;
    const fromProxy = requestSource === SOURCE_PROXY_FOR_BROADCAST;
    return broadcastOffsets.initial(
      topic,
      consumerGroup,
      queueId,
      clientId,
      queueOffset,
      fromProxy,
    );
  }

  /** What every pull leaves behind, whatever its answer: how far the group has pulled, and its commit. */
  note(request: PullRequest, nextOffset: number, code: number): void {
    const { fields, offsetKey } = request;
    const { offsets, settings } = this.parts;
    if (settings.enableBroadcastOffsetStore) this.noteBroadcast(request, nextOffset, code);
    offsets.pulledAt(offsetKey, fields.queueId, nextOffset);
    if (request.maySuspend && (fields.sysFlag & PULL_COMMITS) !== 0) {
      offsets.commitAt(offsetKey, fields.queueId, fields.commitOffset ?? 0);
    }
  }

  private noteBroadcast(request: PullRequest, nextOffset: number, code: number): void {
    const clientId = this.broadcastClient(request);
    if (clientId === null) return;
    const { topic, consumerGroup, queueId, queueOffset, requestSource } = request.fields;
    this.parts.broadcastOffsets.pulled(
      topic,
      consumerGroup,
      queueId,
      code === ResponseCode.PULL_OFFSET_MOVED ? nextOffset : queueOffset,
      clientId,
      requestSource === SOURCE_PROXY_FOR_BROADCAST,
    );
  }

  /** The client id of a broadcasting push consumer's pull; null for any other pull. */
  private broadcastClient(request: PullRequest): string | null {
    const { consumerGroup, requestSource, proxyFrowardClientId } = request.fields;
    if (requestSource === SOURCE_PROXY_FOR_BROADCAST) return proxyFrowardClientId ?? "";
    const group = this.parts.consumers.group(consumerGroup);
    if (group?.messageModel !== "BROADCASTING" || group.consumeType !== "CONSUME_PASSIVELY") {
      return null;
    }
    return group.members.get(request.connection)?.clientId ?? null;
  }
}
