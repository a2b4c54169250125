// Stores whose topics.json or subscriptionGroup.json is gone, or spoiled with its backup.
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { MemoryDisk } from "../../core/disk/memory_disk.ts";
import { seededRandom } from "../../core/random.ts";
import { UPDATE_CONSUMER_OFFSET } from "../../core/remoting/codes/offsets.ts";
import { GET_ALL_SUBSCRIPTIONGROUP_CONFIG } from "../../core/remoting/codes/groups.ts";
import { Rig, TOPIC } from "./simulation/rig.ts";
import { STORE_PATH } from "./simulation/paths.ts";

const TOPICS = `${STORE_PATH}/config/topics.json`;
const GROUPS = `${STORE_PATH}/config/subscriptionGroup.json`;
const ASYNC = { flushDiskType: "ASYNC_FLUSH" } as const;

async function stoppedStore(): Promise<MemoryDisk> {
  const rig = new Rig(ASYNC);
  await rig.open();
  await rig.send(10);
  await rig.send(20);
  await rig.readAll();
  const offset = { consumerGroup: "Readers", topic: TOPIC, queueId: 0, commitOffset: 1 };
  await rig.call(UPDATE_CONSUMER_OFFSET, offset);
  await rig.life.close();
  return rig.memory;
}

function spoil(disk: MemoryDisk, path: string): void {
  for (const each of [path, `${path}.bak`]) disk.place(each, Buffer.from('{"topicConfigTab'));
}

test("topics are made again from their queues when their file is spoiled with its backup", async () => {
  const disk = await stoppedStore();
  spoil(disk, TOPICS);
  const rig = new Rig({ ...ASYNC, autoCreateTopicEnable: false }, disk);
  expect((await rig.openOnly()).kind).toBe("done");
  expect((await rig.readAll()).map(({ body }) => body.length)).toEqual([10, 20]);
  const said = rig.entries.map(({ text }) => text).join("\n");
  expect(said).toContain("a table is damaged, and its backup can't replace it");
  expect(said).toContain("topics that topics.json lacks are made again from their queues");
  const kept = disk.listSync(`${STORE_PATH}/kept-aside`);
  expect(kept).toEqual(["config-topics.json", "config-topics.json.bak"]);
  const bytes = Buffer.from(disk.contents(`${STORE_PATH}/kept-aside/${kept[0]}`));
  expect(bytes.toString()).toBe('{"topicConfigTab');
});

test("topics are made again from their queues when their file is gone", async () => {
  const disk = await stoppedStore();
  for (const path of [TOPICS, `${TOPICS}.bak`]) disk.unlinkSync(path);
  const rig = new Rig(ASYNC, disk);
  expect((await rig.openOnly()).kind).toBe("done");
  expect(await rig.readAll()).toHaveLength(2);
});

test("topics that came after the backup are made again from their queues when it has to stand in", async () => {
  const disk = await stoppedStore();
  const table = JSON.parse(Buffer.from(disk.contents(TOPICS)).toString());
  delete table.topicConfigTable[TOPIC];
  disk.place(`${TOPICS}.bak`, Buffer.from(JSON.stringify(table)));
  disk.place(TOPICS, Buffer.from('{"topicConfigTab'));
  const rig = new Rig({ ...ASYNC, autoCreateTopicEnable: false }, disk);
  expect((await rig.openOnly()).kind).toBe("done");
  expect(await rig.readAll()).toHaveLength(2);
  const said = rig.entries.map(({ text }) => text);
  expect(said).toContain("a metadata file is torn or missing: its backup is used");
  expect(said.join("\n")).toContain(
    "topics that topics.json lacks are made again from their queues",
  );
  expect(disk.listSync(`${STORE_PATH}/kept-aside`)).toEqual(["config-topics.json"]);
  await rig.life.close();
  const next = new Rig(ASYNC, disk);
  await next.openOnly();
  expect(await next.readAll()).toHaveLength(2);
  expect(next.entries.filter(({ level }) => level !== "info")).toEqual([]);
});

test("topics are made again from the log when their file and their queues are gone", async () => {
  const disk = await stoppedStore();
  for (const path of [TOPICS, `${TOPICS}.bak`]) disk.unlinkSync(path);
  const queue = `${STORE_PATH}/consumequeue/${TOPIC}/0`;
  for (const name of disk.listSync(queue)) disk.unlinkSync(`${queue}/${name}`);
  const rig = new Rig({ ...ASYNC, autoCreateTopicEnable: false }, disk);
  expect((await rig.openOnly()).kind).toBe("done");
  expect(await rig.readAll()).toHaveLength(2);
});

test("groups that have offsets are made again when their file is spoiled", async () => {
  const disk = await stoppedStore();
  spoil(disk, GROUPS);
  const rig = new Rig({ ...ASYNC, autoCreateSubscriptionGroup: false }, disk);
  expect((await rig.openOnly()).kind).toBe("done");
  const { body } = await rig.call(GET_ALL_SUBSCRIPTIONGROUP_CONFIG, {});
  expect(Buffer.from(body).toString()).toContain('"Readers"');
});

test("a new store has nothing to make again, and says nothing", async () => {
  const rig = new Rig(ASYNC, new MemoryDisk(seededRandom(1)));
  await rig.openOnly();
  expect(rig.entries.filter(({ level }) => level === "error")).toEqual([]);
});

test("something else in config's place stops the start, which names it", async () => {
  const disk = new MemoryDisk(seededRandom(1));
  disk.place(`${STORE_PATH}/config`, Buffer.from(""));
  const rig = new Rig(ASYNC, disk);
  const opened = await rig.openOnly();
  expect(opened.kind).not.toBe("done");
  expect(JSON.stringify(opened, (_, value) => value instanceof Error ? value.message : value))
    .toContain(`${STORE_PATH}/config isn't a folder`);
});

const LEFT_EMPTY = [
  "consumerFilter.json",
  "consumerOrderInfo.json",
  "messageRequestMode.json",
  "queueLocks.json",
  "transactionMetrics",
];

for (const name of LEFT_EMPTY) {
  test(`a broker starts without ${name} when it is spoiled with its backup, keeps it and says what is lost`, async () => {
    const disk = await stoppedStore();
    spoil(disk, `${STORE_PATH}/config/${name}`);
    const rig = new Rig({ ...ASYNC, enablePropertyFilter: true }, disk);
    expect((await rig.openOnly()).kind).toBe("done");
    expect(await rig.readAll()).toHaveLength(2);
    expect(rig.entries.filter(({ level }) => level === "error")).toMatchObject([{
      text: "a table is damaged, and its backup can't replace it: it begins empty",
      fields: { path: `${STORE_PATH}/config/${name}`, lost: expect.any(String) },
    }]);
    expect(disk.listSync(`${STORE_PATH}/kept-aside`)).toHaveLength(2);
  });
}

for (const name of ["consumerOffset.json", "delayOffset.json"]) {
  test(`no broker starts without ${name}: nothing begins anew unasked`, async () => {
    const disk = await stoppedStore();
    spoil(disk, `${STORE_PATH}/config/${name}`);
    const rig = new Rig(ASYNC, disk);
    const opened = await rig.openOnly();
    expect(JSON.stringify(opened, (_, value) => value instanceof Error ? value.message : value))
      .toContain(`${name} is damaged and ${STORE_PATH}/config/${name}.bak can't replace it`);
    expect(disk.listSync(`${STORE_PATH}/config`)).toContain(name);
  });
}
