// What a consumer subscribes to, and what its heartbeats say of it. Pure but for its table.
import type { Heartbeat } from "./client_core.ts";
import type { ConsumeFrom } from "./start_offset.ts";
import {
  type Expression,
  parseSubscription,
  type Subscription,
  subscriptionData,
} from "./subscription.ts";

export interface ConsumerIdentity {
  group: string;
  /** "CONSUME_PASSIVELY" is pushed to, "CONSUME_ACTIVELY" pulls, "CONSUME_POP" pops. */
  consumeType: "CONSUME_PASSIVELY" | "CONSUME_ACTIVELY" | "CONSUME_POP";
  model: "clustering" | "broadcasting";
  consumeFrom: ConsumeFrom;
  unitMode?: boolean;
}

export class SubscriptionSet {
  private readonly byTopic = new Map<string, Subscription>();

  constructor(private readonly identity: ConsumerIdentity) {}

  get(topic: string): Subscription | undefined {
    return this.byTopic.get(topic);
  }

  all(): Iterable<Subscription> {
    return this.byTopic.values();
  }

  topics(): string[] {
    return [...this.byTopic.keys()];
  }

  /** Throws ClientError "invalid_options". `version` is the time, in ms. */
  set(topic: string, expression: Expression, version: number): void {
    this.byTopic.set(topic, parseSubscription(topic, expression, version));
  }

  delete(topic: string): boolean {
    return this.byTopic.delete(topic);
  }

  clear(): void {
    this.byTopic.clear();
  }

  /** As heartbeats and the running info carry them. */
  data() {
    return [...this.byTopic.values()].map(subscriptionData);
  }

  heartbeat(): Heartbeat {
    const { group, consumeType, model, consumeFrom } = this.identity;
    return {
      producerDataSet: [],
      consumerDataSet: [{
        consumeFromWhere: consumeFromWhere(consumeFrom),
        consumeType,
        groupName: group,
        messageModel: model.toUpperCase(),
        subscriptionDataSet: this.data(),
        unitMode: this.identity.unitMode ?? false,
      }],
    };
  }
}

function consumeFromWhere(from: ConsumeFrom): string {
  if (from === "last") return "CONSUME_FROM_LAST_OFFSET";
  return from === "first" ? "CONSUME_FROM_FIRST_OFFSET" : "CONSUME_FROM_TIMESTAMP";
}
