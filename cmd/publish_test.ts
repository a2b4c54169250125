import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { systemClock } from "../core/time/system_clock.ts";
import { openTestCluster, type TestCluster } from "./inspector/testing.ts";
import type { Input } from "./publish_input.ts";
import { jsonLines, LineSplitter, plainLines } from "./publish_lines.ts";
import { PlayedSignals, publish, subscribe } from "./subscribe_testing.ts";

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await openTestCluster();
});
afterAll(() => cluster[Symbol.asyncDispose]());

const all = async (topic: string, format = "{body}") => {
  const line = `-t ${topic} -g g-${topic} --from first --until end --format ${format}`;
  return (await subscribe(cluster.nameServer, line)).split("\n").slice(0, -1).sort();
};

/** An input that a test feeds, and that stays open until it is told otherwise. */
class FedInput implements Input {
  readonly isTerminal: boolean;
  readonly chunks: ReadableStream<Uint8Array>;
  private controller: ReadableStreamDefaultController<Uint8Array> | null = null;

  constructor(isTerminal = false) {
    this.isTerminal = isTerminal;
    this.chunks = new ReadableStream({
      start: (controller) => void (this.controller = controller),
    });
  }

  feed(text: string): void {
    this.controller!.enqueue(new TextEncoder().encode(text));
  }
}

describe("publish", () => {
  test("sends every line, also a last one without its end, and leaves empty ones out", async () => {
    const { err, failed } = await publish(cluster.nameServer, "-t Plain", "one\ntwo\n\nthrée");
    expect(failed).toBe(false);
    expect(err).toBe("3 messages stored in Plain\n1 empty lines left out");
    expect(await all("Plain")).toEqual(["one", "thrée", "two"]);
  });

  test("gives lines keys, a tag and a queue", async () => {
    await publish(cluster.nameServer, "-t Placed -k k1 -c red -b broker-t -i 2", "a\nb\n");
    expect(await all("Placed", "{queueId}|{keys}|{tags}|{body}")).toEqual([
      "2|k1|red|a",
      "2|k1|red|b",
    ]);
  });

  test("takes JSON lines with keys, tags, properties, a sharding key and bytes", async () => {
    const lines = [
      { body: "x", keys: ["a", "b"], tags: "t", properties: { p: "1" }, shardingKey: "s" },
      { bodyBase64: Buffer.from("y").toString("base64"), queueOffset: 9, messageId: "ignored" },
    ].map((line) => JSON.stringify(line)).join("\n");
    const { out } = await publish(cluster.nameServer, "-t Json --input json --json", lines);
    expect(JSON.parse(out)).toEqual({
      topic: "Json",
      lines: 2,
      stored: 2,
      empty: 0,
      notAsSafe: 0,
      inputEnd: "end",
    });
    expect(await all("Json", "{body}|{keys}|{tags}|{property:p}|{shardingKey}")).toEqual([
      "x|a b|t|1|s",
      "y||||",
    ]);
  });

  test("keeps the lines of one sharding key in one queue, in their order", async () => {
    const lines = Array.from(
      { length: 200 },
      (_, number) => JSON.stringify({ body: `${number}`, shardingKey: `k${number % 3}` }),
    );
    await publish(cluster.nameServer, "-t Sharded --input json", lines.join("\n"));
    const line =
      "-t Sharded -g g-s --from first --until end --format {shardingKey},{queueId},{body}";
    const rows = (await subscribe(cluster.nameServer, line)).trim().split("\n")
      .map((row) => row.split(","));
    for (const key of ["k0", "k1", "k2"]) {
      const mine = rows.filter(([each]) => each === key);
      expect(new Set(mine.map(([, queue]) => queue)).size).toBe(1);
      const numbers = mine.map(([, , number]) => Number(number));
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    }
    expect(rows.length).toBe(200);
  });

  test("stops at a line that isn't JSON, and says which and what is stored", async () => {
    const lines = '{"body":"1"}\n{"body":2}\n{"body":"3"}\n';
    const failing = publish(cluster.nameServer, "-t Bad --input json", lines);
    await expect(failing).rejects.toThrow("line 2: body isn't a text");
    await failing.catch(() => {});
    expect(await all("Bad")).toEqual(["1"]);
  });

  test.each([
    ["nonsense", "line 1: it isn't JSON"],
    ["[1]", "line 1: it isn't a JSON object"],
    ["{}", "line 1: it has neither body nor bodyBase64"],
    ['{"body":"x","queueId":77}', "line 1: the topic has no queue 77"],
    ['{"body":"x","keys":[1]}', "line 1: keys isn't a text or a list of texts"],
    ['{"body":"x","properties":{"UNIQ_KEY":"1"}}', "line 1: the property 'UNIQ_KEY' is set by"],
  ])("refuses the line %s", async (line, problem) => {
    const args = "-t Refused --input json --keepQueues";
    await expect(publish(cluster.nameServer, args, line)).rejects.toThrow(problem);
  });

  test("names the cause when no broker takes the topic", async () => {
    await expect(publish("127.0.0.1:1", "-t T", "x")).rejects.toThrow("no name server");
  });

  test("on a signal stores what was typed so far, and ends", async () => {
    const input = new FedInput(true);
    const signals = new PlayedSignals();
    const done = publish(cluster.nameServer, "-t Typed", input, signals);
    input.feed("one\ntwo\n");
    await untilStored("Typed", 2);
    signals.send();
    expect((await done).err).toBe("2 messages stored in Typed");
  });

  test("on a signal empties the pipe first: its writer thinks that is read", async () => {
    const input = new FedInput();
    const signals = new PlayedSignals();
    const done = publish(cluster.nameServer, "-t Piped", input, signals);
    input.feed("one\n");
    await untilStored("Piped", 1);
    signals.send();
    input.feed("two\n");
    input.feed("three\nhalf of a li");
    await expect(done).rejects.toThrow("line 4: it is not complete");
    await done.catch(() => {});
    expect(await all("Piped")).toEqual(["one", "three", "two"]);
  });
});

async function untilStored(topic: string, count: number): Promise<void> {
  for (;;) {
    const { code, out } = await cluster.run(`topicStatus -t ${topic} --json`);
    const { queues } = code === 0
      ? JSON.parse(out) as { queues: { maxOffset: number }[] }
      : { queues: [] };
    if (queues.reduce((sum, { maxOffset }) => sum + maxOffset, 0) === count) return;
    await systemClock.sleep(5);
  }
}

const textOf = (line: Uint8Array) => Buffer.from(line).toString();

describe("lines", () => {
  test("are the same however the bytes are cut", () => {
    const bytes = Buffer.from("one\n\ntwo\r\nthrée\n\nlast");
    fc.assert(fc.property(fc.array(fc.nat(bytes.length)), (cuts) => {
      const splitter = new LineSplitter();
      const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      const lines = places.slice(1).flatMap((end, index) =>
        [
          ...splitter.push(bytes.subarray(places[index]!, end)),
        ].map(textOf)
      );
      expect([...lines, textOf(splitter.rest())])
        .toEqual(["one", "", "two\r", "thrée", "", "last"]);
      expect(splitter.rest().length).toBe(0);
    }));
  });

  test("have a limit", () => {
    const splitter = new LineSplitter(8);
    expect([...splitter.push(Buffer.from("12345678\n"))].length).toBe(1);
    expect(() => [...splitter.push(Buffer.from("123456789"))]).toThrow("longer than 8 bytes");
  });

  const defaults = {
    topic: "T",
    keys: "k",
    tags: undefined,
    shardingKey: undefined,
    broker: undefined,
    queueId: undefined,
  };

  test("are bodies as they are, bytes that aren't UTF-8 too", () => {
    const { message } = plainLines(defaults)(new Uint8Array([0xff, 0x00]));
    expect(message).toEqual({ topic: "T", body: new Uint8Array([0xff, 0x00]), keys: "k" });
  });

  test("of JSON say more than the defaults, and never the topic", () => {
    const read = jsonLines(defaults, false);
    const line = Buffer.from('{"topic":"Other","body":"x","keys":"own","queueId":1,"tags":null}');
    expect(read(line)).toEqual({
      message: { topic: "T", body: "x", keys: "own" },
      shardingKey: null,
      queue: null,
    });
  });
});
