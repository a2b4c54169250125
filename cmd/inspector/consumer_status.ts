// What consumers tell of themselves, asked of them through their brokers: consumerStatus.
import { mkdirSync, writeFileSync } from "node:fs";
import { OperationError } from "../../core/errors.ts";
import { GET_CONSUMER_RUNNING_INFO } from "../../core/remoting/codes/client_bound.ts";
import { ResponseCode } from "../../core/remoting/response_codes.ts";
import { bodyObject, number, queueText } from "./bodies.ts";
import type { Cluster } from "./cluster.ts";
import { defineCommand, type RunContext } from "./command.ts";
import { type ClientConnection, consumersOfGroup } from "./connections.ts";
import { address, flag, groupName, optional, required, text } from "./option.ts";
import { mapAtOnce } from "./parallel.ts";
import { addressesOf } from "./routes.ts";
import {
  isPushType,
  propertyOf,
  type RunningInfo,
  runningInfo,
  runningInfoText,
} from "./running_info.ts";

const ASK_CLIENT_MS = 10_000;
/** Younger members may not have their subscriptions yet. */
const SETTLED_AFTER_MS = 120_000;
/** How long a queue with messages may rest before it counts as blocked. */
const BLOCKED_AFTER_MS = 60_000;

/** Null when no broker of the group can reach the client. */
export async function runningInfoOf(
  cluster: Cluster,
  group: string,
  clientId: string,
  withStacks: boolean,
): Promise<RunningInfo | null> {
  const { brokers } = await cluster.routeOfGroup(group);
  const fields = { consumerGroup: group, clientId, jstackEnable: withStacks };
  for (const broker of addressesOf(brokers)) {
    const options = { timeoutMs: ASK_CLIENT_MS };
    const answer = await cluster.askAny(GET_CONSUMER_RUNNING_INFO, broker, fields, options);
    if (answer.code === ResponseCode.SUCCESS && answer.body.length > 0) {
      return runningInfo(bodyObject(answer.body, clientId));
    }
  }
  return null;
}

interface Member {
  connection: ClientConnection;
  info: RunningInfo;
}

/** Whether all members subscribe to the same; young groups count as if they did. */
function isSameSubscription(members: readonly Member[], nowMs: number): boolean {
  const settled = members.every(({ info }) =>
    isPushType(info) &&
    nowMs - Number(propertyOf(info, "PROP_CONSUMER_START_TIMESTAMP")) > SETTLED_AFTER_MS
  );
  if (!settled) return true;
  const texts = members.map(({ info }) => JSON.stringify(info.subscriptions));
  return texts.every((each) => each === texts[0]);
}

/** What is wrong with the queues of a member, a line each. */
function queueWarnings({ connection, info }: Member, nowMs: number): string[] {
  if (!isPushType(info)) return [];
  const { clientId } = connection;
  const isOrderly = propertyOf(info, "PROP_CONSUMEORDERLY") === "true";
  return info.queues.flatMap(({ detail, queue }) => {
    const name = `${clientId} ${queueText(queue)}`;
    const unlocks = number(detail["tryUnlockTimes"]);
    if (isOrderly && detail["locked"] !== true) {
      return [`${name} can't lock for a while, ${nowMs - number(detail["lastLockTimestamp"])}ms`];
    }
    if (isOrderly) {
      const isStuck = detail["droped"] === true && unlocks > 0;
      return isStuck ? [`${name} unlock ${unlocks} times, still failed`] : [];
    }
    const restedMs = nowMs - number(detail["lastConsumeTimestamp"]);
    const isBlocked = restedMs > BLOCKED_AFTER_MS && number(detail["cachedMsgCount"]) > 0;
    return isBlocked ? [`${name} can't consume for a while, maybe blocked, ${restedMs}ms`] : [];
  });
}

const HEAD = "%-10s %-40s %-20s %s";

/** The members with what each told; each one's text is written below the current folder, as Apache's tool does. */
async function allMembers(
  { clock, cluster, report }: RunContext,
  group: string,
  broker: string | undefined,
  withStacks: boolean,
): Promise<void> {
  const { connections } = await consumersOfGroup(cluster, group, broker);
  const nowMs = clock.nowMs();
  const told = await mapAtOnce(connections, async (connection) => {
    const info = await runningInfoOf(cluster, group, connection.clientId, withStacks);
    if (info === null) report.fail(`${connection.clientId} doesn't tell its state`);
    return info === null ? null : { connection, info };
  });
  const members = told.filter((member) => member !== null);
  report.printf(HEAD, "#Index", "#ClientId", "#Version", "#ConsumerRunningInfoFile");
  for (const [index, { connection, info }] of members.entries()) {
    const path = `${nowMs}/${connection.clientId.replaceAll("/", "_")}`;
    if (!report.asJson) {
      mkdirSync(`${nowMs}`, { recursive: true });
      writeFileSync(path, runningInfoText(info));
    }
    report.printf(HEAD, index + 1, connection.clientId, connection.versionDesc, path);
  }
  const isSame = isSameSubscription(members, nowMs);
  const warnings = isSame ? members.flatMap((member) => queueWarnings(member, nowMs)) : [];
  if (members.length > 0) {
    report.line();
    report.line();
    report.line(
      isSame
        ? "Same subscription in the same group of consumer\n\nRebalance OK"
        : "WARN: Different subscription in the same group of consumer!!!",
    );
    for (const warning of warnings) report.line(warning);
  }
  report.json({
    group,
    sameSubscription: isSame,
    warnings,
    members: members.map(({ connection, info }) => ({ ...connection, runningInfo: plain(info) })),
  });
}

/** The body with its queues as lists: JSON has no objects for keys. */
function plain({ body, popQueues, queues }: RunningInfo) {
  const queueList = (details: RunningInfo["queues"]) =>
    details.map(({ detail, queue }) => ({ ...queue, ...detail }));
  return { ...body, mqTable: queueList(queues), mqPopTable: queueList(popQueues) };
}

const consumerStatus = defineCommand({
  name: "consumerStatus",
  summary: "Show what the members of a consumer group tell of themselves",
  options: {
    group: required("g", "consumerGroup", groupName, "consumer group name"),
    clientId: optional("i", "clientId", text, "print this member's state alone"),
    broker: optional("b", "brokerAddr", address, "ask this broker alone for the members"),
    jstack: flag("s", "jstack", "with the stacks of its threads"),
  },
  example: "-n 127.0.0.1:9876 -g order_service",
  async run(context) {
    const { cluster, options, report } = context;
    const { broker, clientId, group, jstack } = options;
    if (clientId === undefined) return await allMembers(context, group, broker, jstack);
    const info = await runningInfoOf(cluster, group, clientId, jstack);
    if (info === null) {
      const { connections } = await consumersOfGroup(cluster, group, broker);
      const ids = connections.map((connection) => connection.clientId).join(", ");
      throw new OperationError(`no member '${clientId}' in group '${group}'; members are ${ids}`);
    }
    report.line(runningInfoText(info));
    report.json(plain(info));
  },
});

export const consumerStatusCommands = [consumerStatus];
