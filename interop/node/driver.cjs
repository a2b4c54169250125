// Sends and consumes with the Node client (ali-ons) and prints one RESULT line of JSON for each scenario.
// Usage: node driver.cjs NAMESRV RUN_ID
const { Consumer, Message, Producer } = require("ali-ons");

const [namesrv, runId] = process.argv.slice(2);
const COUNT = 40;
const quiet = { info() {}, debug() {}, warn() {}, error() {} };

function options(name) {
  return {
    namespace: "",
    nameSrv: namesrv,
    onsAddr: undefined,
    accessKeyId: "",
    accessKeySecret: "",
    producerGroup: name,
    consumerGroup: name,
    instanceName: name,
    logger: quiet,
    httpclient: { request: () => Promise.reject(new Error("no HTTP here")) },
  };
}

async function producer(name) {
  const made = new Producer(options(name));
  await made.ready();
  return made;
}

async function nodeSend() {
  const sender = await producer(`node_send_${runId}`);
  for (let n = 0; n < COUNT; n++) {
    const result = await sender.send(new Message(`NodeSend_${runId}`, "TagNode", `node ${n}`));
    if (result.sendStatus !== "SEND_OK" || !result.msgId) throw new Error(JSON.stringify(result));
  }
  await sender.close();
}

/** A consumer that has seen its route; the client takes nothing but an async function. */
async function consumer(group, instance, topic, handle, isBroadcast = false) {
  const made = new Consumer({
    ...options(group),
    instanceName: instance,
    isBroadcast,
    consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
  });
  made.subscribe(topic, "TagNode", async (message) => await handle(message));
  await made.ready();
  return made;
}

async function until(what, isThere) {
  const deadline = Date.now() + 60_000;
  while (!isThere()) {
    if (Date.now() > deadline) throw new Error(`not within a minute: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function sendNumbered(sender, topic) {
  for (let n = 0; n < COUNT; n++) await sender.send(new Message(topic, "TagNode", `node ${n}`));
}

async function nodeConsume() {
  const topic = `NodeConsume_${runId}`;
  const sender = await producer(`node_consume_p_${runId}`);
  await sender.send(new Message(topic, "TagNode", "first"));
  const seen = new Set();
  const group = `node_consume_${runId}`;
  const made = await consumer(group, group, topic, ({ body }) => seen.add(body.toString()));
  await sendNumbered(sender, topic);
  await sender.send(new Message(topic, "TagOther", "not for us"));
  await until("all messages", () => seen.size >= COUNT);
  if (seen.has("not for us")) throw new Error("a message of another tag came");
  await sender.close();
  await made.close();
}

/** What a handler doesn't take is sent back to the broker, and comes again. */
async function nodeRetry() {
  const topic = `NodeRetry_${runId}`;
  const sender = await producer(`node_retry_p_${runId}`);
  await sender.send(new Message(topic, "TagNode", "again"));
  const times = [];
  const group = `node_retry_${runId}`;
  const made = await consumer(group, group, topic, ({ reconsumeTimes }) => {
    times.push(reconsumeTimes);
    return reconsumeTimes === 0 ? Consumer.ACTION_RETRY : undefined;
  });
  await until("a second delivery", () => times.includes(1));
  await sender.close();
  await made.close();
}

/** Each of two consumers of a group gets everything. */
async function nodeBroadcast() {
  const topic = `NodeBroadcast_${runId}`;
  const sender = await producer(`node_broadcast_p_${runId}`);
  await sendNumbered(sender, topic);
  const group = `node_broadcast_${runId}`;
  const members = [new Set(), new Set()];
  const made = await Promise.all(
    members.map((seen, n) =>
      consumer(group, `${group}_${n}`, topic, ({ body }) => seen.add(body.toString()), true)
    ),
  );
  await until("all messages for both", () => members.every(({ size }) => size === COUNT));
  await sender.close();
  for (const each of made) await each.close();
}

/** By a condition, with bodies that travel compressed and one that is delayed. */
async function nodeSql() {
  const topic = `NodeSql_${runId}`;
  const sender = await producer(`node_sql_p_${runId}`);
  const numbered = (body, number) => {
    const message = new Message(topic, "TagNode", body);
    message.properties.number = String(number);
    return message;
  };
  await sender.send(numbered("first", 0));
  const group = `node_sql_${runId}`;
  const made = new Consumer({ ...options(group), consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" });
  const seen = new Set();
  const sql = { expressionType: "SQL92", subString: "number > 2" };
  // The client takes async functions only.
  made.subscribe(topic, sql, async ({ body }) => {
    await null;
    seen.add(body.toString());
  });
  await made.ready();
  for (let n = 1; n < 5; n++) await sender.send(numbered(`node ${n}`, n));
  const large = "large ".repeat(10_000);
  await sender.send(numbered(large, 5));
  const later = numbered("later", 6);
  later.delayTimeLevel = 1;
  await sender.send(later);
  await until("what the condition wants", () => seen.size >= 4);
  const wanted = ["node 3", "node 4", large, "later"];
  if (!wanted.every((body) => seen.has(body))) throw new Error([...seen].join().slice(0, 1000));
  await sender.close();
  await made.close();
}

async function main() {
  let failed = false;
  for (const scenario of [nodeSend, nodeConsume, nodeRetry, nodeBroadcast, nodeSql]) {
    const startedMs = Date.now();
    let problem = null;
    try {
      await scenario();
    } catch (error) {
      problem = String(error.stack ?? error);
      failed = true;
    }
    const result = {
      scenario: scenario.name,
      ok: problem === null,
      problem,
      elapsedMs: Date.now() - startedMs,
    };
    console.log(`RESULT ${JSON.stringify(result)}`);
  }
  process.exit(failed ? 1 : 0);
}

process.on("unhandledRejection", (error) => console.error("unhandled", error));
main();
