// Whether the members of each group subscribe to the same things. The broker keeps one subscription for a whole group, the
// latest one, so that members that differ lose messages to each other without an error. Tells and counts; changes nothing.
import type { Logger } from "../../../core/log.ts";
import type { Connection } from "../../../core/remoting/handler.ts";
import type { Subscription } from "./subscription.ts";

interface GroupAgreement {
  /** What each member's last heartbeat said. */
  readonly said: Map<Connection, { clientId: string; text: string }>;
  /** The members' texts as they were told; null while all say the same. */
  told: string | null;
}

export class SubscriptionAgreement {
  private readonly groups = new Map<string, GroupAgreement>();
  /** How often members of a group began to differ, or differed in a new way. */
  mismatchesTotal = 0;

  constructor(private readonly log: Logger) {}

  /** Groups whose members differ now. */
  get mismatched(): string[] {
    return [...this.groups].filter(([, { told }]) => told !== null).map(([group]) => group);
  }

  /** A member's heartbeat. */
  said(
    group: string,
    connection: Connection,
    clientId: string,
    messageModel: string,
    subscriptions: readonly Subscription[],
  ): void {
    const agreement = this.groups.get(group) ?? { said: new Map(), told: null };
    this.groups.set(group, agreement);
    const text = subscriptionText(messageModel, subscriptions);
    const before = agreement.said.get(connection);
    if (before?.text === text && before.clientId === clientId) return;
    agreement.said.set(connection, { clientId, text });
    this.compare(group, agreement);
  }

  /** A member has left. */
  left(group: string, connection: Connection): void {
    const agreement = this.groups.get(group);
    if (agreement === undefined || !agreement.said.delete(connection)) return;
    if (agreement.said.size === 0) this.groups.delete(group);
    else this.compare(group, agreement);
  }

  private compare(group: string, agreement: GroupAgreement): void {
    const all = [...agreement.said.values()];
    const texts = [...new Set(all.map(({ text }) => text))].sort();
    const told = texts.length === 1 ? null : texts.join("\n");
    if (told === agreement.told) return;
    agreement.told = told;
    if (told === null) {
      return this.log.info("the group's members subscribe to the same again", { group });
    }
    this.mismatchesTotal++;
    this.log.warn(
      "members of a group subscribe to different things and lose messages to each other",
      {
        group,
        members: texts.map((text) => ({
          subscribeTo: text,
          clients: all.filter((each) => each.text === text).map(({ clientId }) => clientId),
        })),
      },
    );
  }
}

/** "CLUSTERING Orders=a || b, Payments~price > 5": "=" before tags, "~" before other expressions. */
function subscriptionText(messageModel: string, subscriptions: readonly Subscription[]): string {
  const parts = subscriptions.map(({ topic, subString, expressionType, tags }) =>
    expressionType === "TAG"
      ? `${topic}=${tags.length === 0 ? subString : tags.toSorted().join(" || ")}`
      : `${topic}~${subString}`
  );
  return `${messageModel} ${parts.sort().join(", ")}`;
}
