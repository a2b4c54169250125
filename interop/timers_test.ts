// Timed messages across makes: Java producers and consumers against Roquet's broker, and a store with waiting, rolling and
// recalled timers that moves between Apache's broker and Roquet's, after clean stops and after kills.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Producer, PullConsumer } from "../core/client/mod.ts";
import { startCluster } from "./support/cluster.ts";
import { Exchange } from "./support/exchange.ts";
import { runJavaMain } from "./support/java_main.ts";
import { waitFor } from "./support/processes.ts";

/** A short window, so that timers of some seconds roll. */
const CONF = { recallMessageEnable: true, timerRollWindowSlot: 6 };
/** A tick; what is above it is the machine's load. */
const TICK_MS = 1000;

interface Received {
  body: string;
  lateMs: number;
  rolls: number;
}

function receivedIn(path: string): Received[] {
  return readFileSync(path, "utf8").split("\n").filter((line) => line !== "").map((line) => {
    const [body, lateMs, rolls] = line.split(" ");
    return { body: body!, lateMs: Number(lateMs), rolls: Number(rolls) };
  });
}

const bodies = (received: Received[]) => received.map(({ body }) => body).sort();

/** The bodies of a send step less those that a recall step took back. */
const sent = (topic: string, count: number, recalledEvery?: number) =>
  Array.from({ length: count }, (_, n) => n)
    .filter((n) => recalledEvery === undefined || n % recalledEvery !== 0)
    .map((n) => `${topic}-${n}`).sort();

test(
  "the Java client's timed messages come when they are due, those taken back never",
  async () => {
    await using cluster = await startCluster({ namesrv: "roquet", broker: "roquet" }, CONF);
    const { folder, namesrv } = cluster;
    await runJavaMain("Timers", [
      namesrv.address,
      `send:TimJava:30:16000:100:${folder}/sent`,
      `recall:TimJava:5:${folder}/sent`,
      "refused:TimJava",
      `receive:TimJava:24:${folder}/received`,
    ], folder);
    const received = receivedIn(`${folder}/received`);
    expect(bodies(received)).toEqual(sent("TimJava", 30, 5));
    for (const { body, lateMs } of received) {
      expect(lateMs, body).toBeGreaterThanOrEqual(TICK_MS);
    }
    expect(received.some(({ rolls }) => rolls > 0)).toBeTrue();
  },
  120_000,
);

test(
  "the client library's timed messages come from Apache's broker as from ours, those taken back never",
  async () => {
    await using cluster = await startCluster({ namesrv: "apache", broker: "apache" }, CONF);
    const nameServers = cluster.namesrv.address;
    await using producer = await Producer.open({
      nameServers,
      group: "G_timers",
      sendTimeoutMs: 10_000,
    });
    await using consumer = await PullConsumer.open({ nameServers, group: "G_look" });
    const send = (body: string, time: object) => producer.send({ topic: "TimOurs", body, ...time });
    const takenBack = await send("taken back", { delaySeconds: 12 });
    await send("at", { deliverAtMs: Date.now() + 10_000 });
    await send("after", { delayMs: 11_000 });
    await send("seconds", { delaySeconds: 13 });
    expect(await producer.recall(takenBack.recallHandle!)).toBe(takenBack.messageId);
    const found = await waitFor("3 messages", 60_000, async () => {
      const messages = [];
      for (const queue of await consumer.queues("TimOurs")) {
        messages.push(...await Array.fromAsync(consumer.read(queue, { untilEnd: true })));
      }
      return messages.length >= 3 && messages;
    });
    expect(found.map((message) => message.text()).sort()).toEqual(["after", "at", "seconds"]);
  },
  120_000,
);

test(
  "waiting timers of a store go on under the other broker, after clean stops and kills",
  async () => {
    await using exchange = await Exchange.open("exchange-timers");
    const java = (...steps: string[]) =>
      runJavaMain("Timers", [exchange.namesrvAddress, ...steps], exchange.folder);
    const file = (name: string) => exchange.file(name);
    const received = (name: string) => bodies(receivedIn(file(name)));

    await exchange.start("roquet", CONF);
    await java(
      // Long enough for Apache to start on a busy machine: what it finds late, it delivers, taken back or not.
      `send:TimFirst:30:35000:300:${file("first")}`,
      `recall:TimFirst:3:${file("first")}`,
    );
    await exchange.stop();

    await exchange.start("apache", CONF);
    await java(
      `receive:TimFirst:20:${file("byApache")}`,
      `send:TimSecond:30:15000:300:${file("second")}`,
      `recall:TimSecond:3:${file("second")}`,
    );
    expect(received("byApache")).toEqual(sent("TimFirst", 30, 3));
    await exchange.kill();

    await exchange.start("roquet", CONF);
    await java(
      `receive:TimSecond:20:${file("byRoquet")}`,
      `receive:TimFirst:20:${file("again")}`,
      `send:TimThird:30:14000:100:${file("third")}`,
    );
    // Apache notes what it has done once a second: after a kill in between it is done twice.
    expect([...new Set(received("byRoquet"))]).toEqual(sent("TimSecond", 30, 3));
    expect(receivedIn(file("byRoquet")).some(({ rolls }) => rolls > 0)).toBeTrue();
    // What Apache delivered isn't delivered once more.
    expect(received("again")).toEqual(sent("TimFirst", 30, 3));
    await exchange.kill();

    await exchange.start("apache", CONF);
    await java(`receive:TimThird:30:${file("byApacheAgain")}`);
    expect([...new Set(received("byApacheAgain"))]).toEqual(sent("TimThird", 30));
    await exchange.stop();
  },
  240_000,
);
