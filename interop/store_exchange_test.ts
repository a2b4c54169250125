// One store directory, opened in turn by Roquet's broker and by Apache's 5.4.0: what one wrote and acknowledged the
// other serves, bytes, offsets and look-ups alike, after clean stops and after kills.
import { describe, expect, test } from "bun:test";
import { extractStore } from "../cluster/broker/testing.ts";
import { fixtureJson } from "../testdata/fixtures.ts";
import { Exchange } from "./support/exchange.ts";
import { checkLedgers, startJavaSender, startRawSender } from "./support/ledger.ts";

const DELAYED_DUE = 6;
/** What Roquet and Apache write besides, in batches. */
const BULK_MEGABYTES = [10, 50] as const;
const SOUND = { code: 0, checked: expect.objectContaining({ sound: true, faults: [] }) };

/** Topics of a round that don't change by themselves, as a step of the driver names them. */
const still = (...rounds: number[]) =>
  rounds.flatMap((round) => [`kinds${round}`, `wide${round}`, `consumed${round}`, `backs${round}`])
    .join("+");
const bulk = (...rounds: number[]) => rounds.map((round) => `bulk${round}`).join("+");

test(
  "Apache's broker goes on with a store that Roquet stopped cleanly, and Roquet with Apache's",
  async () => {
    await using exchange = await Exchange.open("exchange-clean");
    const file = (name: string) => exchange.file(name);

    await exchange.start("roquet");
    await exchange.java(
      `write:1:${file("ledger1")}`,
      `bulk:1:${BULK_MEGABYTES[0]}`,
      `consume:1:20:${file("consumed1a")}`,
      `dump:${file("roquet1")}:${still(1)}+${bulk(1)}+%DLQ%G_exchange_back`,
      `entries:${file("roquetEntries1")}:${still(1)}+${bulk(1)}`,
    );
    await exchange.stop();
    expect(await exchange.check()).toEqual(SOUND);

    await exchange.start("apache");
    await exchange.java(
      `dump:${file("apache1")}:${still(1)}+${bulk(1)}+%DLQ%G_exchange_back`,
      `entries:${file("apacheEntries1")}:${still(1)}+${bulk(1)}`,
      `lookup:${file("ledger1")}`,
      `consume:1:20:${file("consumed1b")}`,
      `delayed:1:${DELAYED_DUE}`,
      `write:2:${file("ledger2")}`,
      `bulk:2:${BULK_MEGABYTES[1]}`,
      `consume:2:20:${file("consumed2a")}`,
      `dump:${file("apache2")}:${still(1, 2)}+${bulk(2)}`,
      `entries:${file("apacheEntries2")}:${still(1, 2)}+${bulk(2)}`,
    );
    expect(exchange.lines("apache1")).toEqual(exchange.lines("roquet1"));
    expect(exchange.lines("apacheEntries1")).toEqual(exchange.lines("roquetEntries1"));
    await exchange.stop();
    expect(await exchange.check()).toEqual(SOUND);

    await exchange.start("roquet");
    await exchange.java(
      `dump:${file("roquet2")}:${still(1, 2)}+${bulk(2)}`,
      `entries:${file("roquetEntries2")}:${still(1, 2)}+${bulk(2)}`,
      `lookup:${file("ledger1")}`,
      `lookup:${file("ledger2")}`,
      `consume:1:0:${file("consumed1c")}`,
      `consume:2:0:${file("consumed2b")}`,
      `delayed:2:${DELAYED_DUE}`,
      `dump:${file("retry")}:%RETRY%G_exchange_back`,
    );
    expect(exchange.lines("roquet2")).toEqual(exchange.lines("apache2"));
    expect(exchange.lines("roquetEntries2")).toEqual(exchange.lines("apacheEntries2"));
    expect(exchange.lines("roquetEntries2").length).toBeGreaterThan(32 * BULK_MEGABYTES[1]);
    // Groups go on where they had committed: all messages, none twice.
    const all = Array.from({ length: 60 }, (_, n) => `consumed${n}`).sort();
    const first = ["consumed1a", "consumed1b", "consumed1c"].flatMap((name) =>
      exchange.lines(name)
    );
    expect(first.sort()).toEqual(all);
    const second = ["consumed2a", "consumed2b"].flatMap((name) => exchange.lines(name));
    expect(second.sort()).toEqual(all);
    // Three messages of each round were sent back by a delay level.
    expect(exchange.lines("retry").filter((line) => line.split("\t").length === 4)).toHaveLength(6);
    await exchange.stop();
    expect(await exchange.check()).toEqual(SOUND);
  },
  300_000,
);

test("what a killed broker acknowledged is served by the other one", async () => {
  await using exchange = await Exchange.open("exchange-kill");
  const { namesrvAddress, folder } = exchange;
  const ledgers: string[] = [];
  const load = async (topic: string, untilAcknowledged: number) => {
    const java = await startJavaSender(namesrvAddress, topic, 8, folder);
    const brokerAddress = exchange.broker.address;
    const raw = startRawSender({ brokerAddress, topic, queues: 8, inFlight: 32, folder });
    const { promise: enough, resolve } = Promise.withResolvers<void>();
    const poll = setInterval(() => raw.acknowledged >= untilAcknowledged && resolve(), 20);
    await enough;
    clearInterval(poll);
    await exchange.kill();
    await Promise.all([java.stop(), raw.stop()]);
    ledgers.push(java.ledgerPath, raw.ledgerPath);
  };
  const expectAll = async () => {
    const check = await checkLedgers(namesrvAddress, "Killed", ledgers, folder);
    expect(check).toMatchObject({ missing: [], changed: [], clashes: [], unreadable: [] });
  };

  await exchange.start("roquet");
  await exchange.java(`write:1:${exchange.file("ledger1")}`);
  await load("Killed", 20_000);

  // Without it Apache's recovery drops an index file that isn't full and enters only the newest records again.
  // And it looks at the last ten log files only, which is little when files have a megabyte.
  await exchange.start("apache", { messageIndexSafe: "true", commitLogRecoverMaxNum: 1000 });
  await expectAll();
  await exchange.java(
    `lookup:${exchange.file("ledger1")}`,
    `dump:${exchange.file("apache")}:${still(1)}`,
    `delayed:1:${DELAYED_DUE}`,
  );
  await load("Killed", 5_000);

  await exchange.start("roquet");
  await expectAll();
  await exchange.java(
    `lookup:${exchange.file("ledger1")}`,
    `dump:${exchange.file("roquet")}:${still(1)}`,
  );
  expect(exchange.lines("roquet")).toEqual(exchange.lines("apache"));
  await exchange.stop();
  expect(await exchange.check()).toEqual(SOUND);
}, 300_000);

test("each broker's recovery finds the other's sums over whole records right", async () => {
  await using exchange = await Exchange.open("exchange-sums");
  const file = (name: string) => exchange.file(name);
  const sums = { enabledAppendPropCRC: true, forceVerifyPropCRC: true };
  await exchange.start("roquet", sums);
  await exchange.java(`write:1:${file("ledger1")}`, `dump:${file("roquet1")}:${still(1)}`);
  await exchange.kill();

  await exchange.start("apache", { ...sums, messageIndexSafe: true, commitLogRecoverMaxNum: 1000 });
  await exchange.java(
    `dump:${file("apache1")}:${still(1)}`,
    `lookup:${file("ledger1")}`,
    `delayed:1:${DELAYED_DUE}`,
    `write:2:${file("ledger2")}`,
    `dump:${file("apache2")}:${still(1, 2)}`,
  );
  expect(exchange.lines("apache1")).toEqual(exchange.lines("roquet1"));
  await exchange.kill();

  await exchange.start("roquet", sums);
  await exchange.java(
    `dump:${file("roquet2")}:${still(1, 2)}`,
    `lookup:${file("ledger2")}`,
    `delayed:2:${DELAYED_DUE}`,
  );
  expect(exchange.lines("roquet2")).toEqual(exchange.lines("apache2"));
  await exchange.stop();
  expect(await exchange.check()).toEqual(SOUND);
}, 300_000);

const isLight = (topic: string) => topic.startsWith("%LMQ%");

describe("a store that Apache wrote", () => {
  interface Expected {
    records: { phyOffset: number; size: number; topic: string; queueId: number }[];
    consumeQueues: Record<string, Record<string, { entries: [number, number, number][] }>>;
  }

  for (const name of ["store", "store-ext"]) {
    test(`${name}: Roquet's broker serves every record of its queues`, async () => {
      await using exchange = await Exchange.open(`fixture-${name}`);
      extractStore(`${name}/${name}.tar.gz`, exchange.storePath);
      await exchange.start("roquet", {
        brokerName: name === "store" ? "broker-fx" : "broker-ext",
        mappedFileSizeTimerLog: 1040,
        messageDelayLevel: "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h",
      });
      const expected = fixtureJson<Expected>(`expected/${name}.json`);
      // Light queues have no topic, so no client can ask for them.
      const topics = Object.keys(expected.consumeQueues).filter((topic) => !isLight(topic));
      await exchange.java(`dump:${exchange.file("dump")}:${topics.join("+")}`);
      const served: Record<string, string[]> = {};
      for (const line of exchange.lines("dump")) {
        const [topic, queue, offset, record] = line.split("\t");
        if (record === undefined || offset === undefined) continue;
        const place = record.split(" ").slice(0, 2).join(" ");
        (served[`${topic}/${Number(queue)}`] ??= []).push(place);
      }
      for (const [topic, queues] of Object.entries(expected.consumeQueues)) {
        if (isLight(topic)) continue;
        for (const [queueId, { entries }] of Object.entries(queues)) {
          const places = entries.map(([physicalOffset, size]) => `${physicalOffset} ${size}`);
          expect(
            served[`${topic}/${queueId}`]?.slice(0, places.length) ?? [],
            `${topic}/${queueId}`,
          )
            .toEqual(places);
        }
      }
    }, 240_000);
  }
});
