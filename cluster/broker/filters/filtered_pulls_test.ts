// Pulls with SQL92 filters against a whole broker: from the log's hot tail, from the disk, held until a wanted message
// arrives, on retry topics, and refused.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { decodeRecords } from "../../../core/message/record.ts";
import type { FieldsOf } from "../../../core/remoting/code_row.ts";
import { CHECK_CLIENT_CONFIG, HEART_BEAT } from "../../../core/remoting/codes/groups.ts";
import { PULL_MESSAGE } from "../../../core/remoting/codes/pull.ts";
import type { RemotingCommand } from "../../../core/remoting/command.ts";
import { call, openTestBroker, send, temporaryFolder, TestPeer } from "../testing.ts";

const SUSPENDS = 2;
const SUBSCRIBES = 4;
const ON = { enablePropertyFilter: true };

let stack: AsyncDisposableStack;

beforeEach(() => {
  stack = new AsyncDisposableStack();
});

afterEach(async () => {
  await stack.disposeAsync();
});

async function open(settings: Record<string, string | number | boolean> = ON, storePath = "") {
  const broker = stack.use(
    await openTestBroker({ settings, ...(storePath !== "" && { storePath }) }),
  );
  return { broker, peer: stack.use(await TestPeer.connect(broker.port)) };
}

function pull(
  peer: TestPeer,
  subscription: string,
  fields: Partial<FieldsOf<typeof PULL_MESSAGE.request>> = {},
): Promise<RemotingCommand> {
  return call(peer, PULL_MESSAGE, {
    consumerGroup: "G",
    topic: "T",
    queueId: 0,
    queueOffset: 0,
    maxMsgNums: 32,
    sysFlag: SUBSCRIBES,
    commitOffset: 0,
    suspendTimeoutMillis: 60_000,
    subVersion: 0,
    subscription,
    expressionType: "SQL92",
    ...fields,
  });
}

function bodies(answer: RemotingCommand): string[] {
  return decodeRecords(answer.body).map((record) => Buffer.from(record.body).toString());
}

function heartbeat(peer: TestPeer, topic: string, expression: string, subVersion: number) {
  const subscription = { topic, subString: expression, expressionType: "SQL92", subVersion };
  const consumer = {
    groupName: "G",
    consumeType: "CONSUME_PASSIVELY",
    messageModel: "CLUSTERING",
    subscriptionDataSet: [subscription],
  };
  const body = { clientID: "c", consumerDataSet: [consumer], producerDataSet: [] };
  return call(peer, HEART_BEAT, {}, Buffer.from(JSON.stringify(body)));
}

describe("a filtered pull", () => {
  test("gets what the filter wants, and moves over the rest", async () => {
    const { peer } = await open();
    for (let n = 0; n < 10; n++) await send(peer, "T", `m${n}`, `a\x01${n}\x02`);
    const answer = await pull(peer, "a BETWEEN 3 AND 5 OR a = 8");
    expect(bodies(answer)).toEqual(["m3", "m4", "m5", "m8"]);
    expect(answer.extFields.get("nextBeginOffset")).toBe("10");
  });

  test("of which nothing is wanted is answered at once with where to go on", async () => {
    const { peer } = await open();
    for (let n = 0; n < 5; n++) await send(peer, "T", `m${n}`, `a\x01${n}\x02`);
    const answer = await pull(peer, "a > 100");
    expect(answer).toMatchObject({ code: 20, remark: "NO_MATCHED_MESSAGE" });
    expect(answer.extFields.get("nextBeginOffset")).toBe("5");
  });

  test("that is held sleeps on while unwanted messages arrive", async () => {
    const { broker, peer } = await open();
    const producer = stack.use(await TestPeer.connect(broker.port));
    await send(producer, "T", "first", "a\x011\x02");
    const held = pull(peer, "a = 2", { queueOffset: 1, sysFlag: SUBSCRIBES | SUSPENDS });
    await send(producer, "T", "other", "a\x011\x02");
    await send(producer, "T", "mine", "a\x012\x02");
    const answer = await held;
    expect(bodies(answer)).toEqual(["mine"]);
    expect(answer.extFields.get("nextBeginOffset")).toBe("3");
  });

  test("that is held until its time is up is told what it may skip", async () => {
    const { broker, peer } = await open();
    const producer = stack.use(await TestPeer.connect(broker.port));
    await send(producer, "T", "first", "a\x011\x02");
    const held = pull(peer, "a = 2", {
      queueOffset: 1,
      sysFlag: SUBSCRIBES | SUSPENDS,
      suspendTimeoutMillis: 200,
    });
    await send(producer, "T", "other", "a\x011\x02");
    const answer = await held;
    expect(answer.code).toBe(20);
    expect(answer.extFields.get("nextBeginOffset")).toBe("2");
  });

  test("reads a backlog from the disk, record by record and across blocks", async () => {
    const storePath = temporaryFolder(stack);
    const body = "x".repeat(5000);
    {
      await using broker = await openTestBroker({ settings: ON, storePath });
      using peer = await TestPeer.connect(broker.port);
      for (let n = 0; n < 400; n++) await send(peer, "T", `${n} ${body}`, `a\x01${n}\x02`);
    }
    const { peer } = await open(ON, storePath);
    const wanted: string[] = [];
    for (let queueOffset = 0; queueOffset < 400;) {
      const answer = await pull(peer, "a > 50 AND (a ENDSWITH '0' OR a ENDSWITH '7')", {
        queueOffset,
      });
      expect([0, 20]).toContain(answer.code);
      wanted.push(...bodies(answer).map((text) => text.split(" ")[0]!));
      queueOffset = Number(answer.extFields.get("nextBeginOffset"));
    }
    const expected = Array.from({ length: 400 }, (_, n) => String(n)).filter((n) =>
      Number(n) > 50 && /[07]$/.test(n)
    );
    expect(wanted).toEqual(expected);
  });

  test("goes by what the group's heartbeat said", async () => {
    const { peer } = await open();
    for (let n = 0; n < 4; n++) await send(peer, "T", `m${n}`, `a\x01${n}\x02`);
    await heartbeat(peer, "T", "a > 1", 7);
    expect(bodies(await pull(peer, "", { sysFlag: 0, subVersion: 7 }))).toEqual(["m2", "m3"]);
    await heartbeat(peer, "T", "a >> 1", 8);
    expect((await pull(peer, "", { sysFlag: 0, subVersion: 8 })).code).toBe(27);
  });

  test("on a retry topic goes by the filter of the original topic when that is asked for", async () => {
    const { peer } = await open({ ...ON, filterSupportRetry: true });
    await send(peer, "T", "first");
    await heartbeat(peer, "T", "a = 1", 7);
    for (let n = 0; n < 3; n++) {
      await send(peer, "%RETRY%G", `m${n}`, `a\x01${n}\x02RETRY_TOPIC\x01T\x02`);
    }
    await send(peer, "%RETRY%G", "unknown", "a\x015\x02RETRY_TOPIC\x01U\x02");
    const answer = await pull(peer, "a = 2", { topic: "%RETRY%G" });
    expect(bodies(answer)).toEqual(["m1", "unknown"]);
  });
});

describe("an expression", () => {
  const check = (peer: TestPeer, subString: string, expressionType: string) => {
    const subscriptionData = { topic: "T", subString, expressionType, subVersion: 1 };
    const body = { clientId: "c", group: "G", subscriptionData };
    return call(peer, CHECK_CLIENT_CONFIG, {}, Buffer.from(JSON.stringify(body)));
  };

  test("is checked before consumers use it, and refused with the place of the error", async () => {
    const { peer } = await open();
    expect((await check(peer, "a > 5", "SQL92")).code).toBe(0);
    expect((await check(peer, "TagA", "TAG")).code).toBe(0);
    const refused = await check(peer, "a >> 5", "SQL92");
    expect(refused.code).toBe(23);
    expect(refused.remark).toStartWith(
      'org.apache.rocketmq.filter.parser.ParseException: Encountered " ">" "> "" at line 1, column 4.',
    );
    expect((await check(peer, "a", "XPATH")).code).toBe(23);
  });

  test("that can't be read doesn't let a pull through", async () => {
    const { peer } = await open();
    await send(peer, "T", "m");
    expect(await pull(peer, "a >> 5")).toMatchObject({
      code: 23,
      remark: "parse the consumer's subscription failed",
    });
  });

  test("is refused by type while enablePropertyFilter is off", async () => {
    const { peer } = await open({});
    await send(peer, "T", "m");
    const remark = "The broker does not support consumer to filter message by SQL92";
    expect(await check(peer, "a > 5", "SQL92")).toMatchObject({ code: 1, remark });
    expect(await pull(peer, "a > 5")).toMatchObject({ code: 1, remark });
  });
});
