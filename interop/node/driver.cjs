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

async function nodeConsume() {
  const topic = `NodeConsume_${runId}`;
  const sender = await producer(`node_consume_p_${runId}`);
  await sender.send(new Message(topic, "TagNode", "first"));
  const consumer = new Consumer({
    ...options(`node_consume_${runId}`),
    isBroadcast: false,
    consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
  });
  const seen = new Set();
  consumer.subscribe(topic, "TagNode", async (message) => {
    // The client takes nothing but an async function.
    await null;
    seen.add(message.body.toString());
  });
  await consumer.ready();
  for (let n = 0; n < COUNT; n++) await sender.send(new Message(topic, "TagNode", `node ${n}`));
  await sender.send(new Message(topic, "TagOther", "not for us"));
  const deadline = Date.now() + 60_000;
  while (seen.size < COUNT && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  if (seen.size < COUNT) throw new Error(`${seen.size} of ${COUNT} messages within a minute`);
  if (seen.has("not for us")) throw new Error("a message of another tag came");
  await sender.close();
  await consumer.close();
}

async function main() {
  let failed = false;
  for (const scenario of [nodeSend, nodeConsume]) {
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
