// A message that is a finished record already: what the store writes as it is. Its fields are read from the record when
// somebody asks for them.
import type { Buffer } from "node:buffer";
import { decodeRecord, type MessageRecord } from "../../../core/message/record.ts";
import { PROPERTY } from "../../../core/message/property_names.ts";
import { PropertyScanner } from "../../../core/message/property_scan.ts";
import type { FinishedRecord, MessageToStore } from "../../../store/message_store.ts";

const scanner = new PropertyScanner([PROPERTY.uniqueKey, PROPERTY.keys]);
const UNIQUE_KEY = 0;
const KEYS = 1;

export class FinishedMessage implements MessageToStore, FinishedRecord {
  readonly batchCount = 1;
  readonly preparedTransactionOffset = 0;

  constructor(
    readonly topic: string,
    readonly queueId: number,
    readonly tagsCode: number,
    readonly buffer: Buffer,
    readonly start: number,
    readonly size: number,
    readonly keyHashes: readonly number[],
  ) {}

  get finished(): FinishedRecord {
    return this;
  }
  get flag(): number {
    return this.record.flag;
  }
  get sysFlag(): number {
    return this.record.sysFlag;
  }
  get bornTimestampMs(): number {
    return this.record.bornTimestampMs;
  }
  get bornAddress(): Uint8Array {
    return this.record.bornAddress;
  }
  get bornPort(): number {
    return this.record.bornPort;
  }
  get reconsumeTimes(): number {
    return this.record.reconsumeTimes;
  }
  get body(): Uint8Array {
    return this.record.body;
  }
  get properties(): Uint8Array {
    return this.record.properties;
  }
  get uniqueKey(): string {
    return this.property(UNIQUE_KEY);
  }
  get keys(): string {
    return this.property(KEYS);
  }

  private get record(): MessageRecord {
    return decodeRecord(this.buffer, this.start, this.start + this.size);
  }

  private property(index: number): string {
    const { propertiesEnd, propertiesStart } = this.record.parts;
    scanner.scan(this.buffer, propertiesStart, propertiesEnd);
    return scanner.text(this.buffer, index) ?? "";
  }
}
