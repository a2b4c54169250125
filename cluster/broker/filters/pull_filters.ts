// Which filter a pull goes by, and whether its group may have it: SQL92 must be switched on, and the broker must know the
// group's latest expression. Order and texts of refusals are Apache's (Java: PullMessageProcessor.processRequest).
import { RequestError } from "../../../core/errors.ts";
import { isRetryTopic } from "../../../core/message/topic_names.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import { isTagType, type Subscription } from "../clients/subscription.ts";
import { Expressions } from "./expressions.ts";
import type { FilterTable } from "./filter_table.ts";
import { type RecordFilter, recordFilter, retryRecordFilter } from "./record_filter.ts";

/** Configuration keys by Apache's names. */
export interface PullFilterSettings {
  enablePropertyFilter: boolean;
  filterSupportRetry: boolean;
}

/** Lets every record through: what Apache does with a saved filter that it can't compile. */
const EVERYTHING: RecordFilter = { matches: () => true };

export class PullFilters {
  constructor(
    readonly expressions: Expressions,
    readonly table: FilterTable,
    private readonly settings: PullFilterSettings,
  ) {}

  /** Refuses an expression type that isn't switched on. */
  checkType(type: string): void {
    if (isTagType(type) || this.settings.enablePropertyFilter) return;
    throw new RequestError(
      ResponseCode.SYSTEM_ERROR,
      `The broker does not support consumer to filter message by ${type}`,
    );
  }

  /** Refuses an expression that can't be compiled, with what is wrong and where. */
  checkExpression(expression: string, type: string): void {
    this.checkType(type);
    if (isTagType(type)) return;
    const compiled = this.expressions.compile(expression, type);
    if ("error" in compiled) {
      throw new RequestError(ResponseCode.SUBSCRIPTION_PARSE_FAILED, compiled.error);
    }
  }

  /** The filter of a pull that carries its own subscription; null when tags decide. */
  ofPull(group: string, subscription: Subscription): RecordFilter | null {
    const { subString, expressionType } = subscription;
    if (isTagType(expressionType)) return null;
    this.checkType(expressionType);
    const filter = this.expressions.filter(subString, expressionType);
    if (filter === null) {
      throw new RequestError(
        ResponseCode.SUBSCRIPTION_PARSE_FAILED,
        "parse the consumer's subscription failed",
      );
    }
    return this.ofRetry(group, subscription) ?? recordFilter(filter);
  }

  /** The filter that the group's heartbeats brought; null when tags decide. */
  ofHeartbeats(
    group: string,
    subscription: Subscription,
    subVersion: number,
  ): RecordFilter | null {
    if (isTagType(subscription.expressionType)) return null;
    this.checkType(subscription.expressionType);
    const known = this.table.get(subscription.topic, group);
    if (known === undefined) {
      throw new RequestError(
        ResponseCode.FILTER_DATA_NOT_EXIST,
        "The broker's consumer filter data is not exist!Your expression may be wrong!",
      );
    }
    if (known.clientVersion < subVersion) {
      throw new RequestError(
        ResponseCode.FILTER_DATA_NOT_LATEST,
        "the consumer's consumer filter data not latest",
      );
    }
    const retry = this.ofRetry(group, subscription);
    if (retry !== null) return retry;
    return known.filter === null ? EVERYTHING : recordFilter(known.filter);
  }

  private ofRetry(group: string, { topic }: Subscription): RecordFilter | null {
    if (!this.settings.filterSupportRetry || !isRetryTopic(topic)) return null;
    return retryRecordFilter(this.table, group);
  }
}
