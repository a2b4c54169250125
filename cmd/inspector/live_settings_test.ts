// Settings that are changed while the broker runs take effect at once, for what is sent and for what is synced.
import { expect, test } from "bun:test";
import { silentLogger } from "../../core/log.ts";
import { systemClock } from "../../core/time/system_clock.ts";
import { Flusher } from "../../store/commit_log/flusher.ts";
import { openTestCluster } from "./testing.ts";

test("a smaller maxMessageSize refuses the next message, and a larger one takes it again", async () => {
  await using cluster = await openTestCluster();
  const { broker } = cluster;
  const set = (bytes: number) =>
    cluster.json(`updateBrokerConfig -b ${broker} -k maxMessageSize -v ${bytes}`);
  const send = () => cluster.run(`sendMessage -t Sized -p ${"x".repeat(2000)}`);
  expect((await send()).code).toBe(0);
  await set(1000);
  const refused = await send();
  expect(refused.code).toBe(1);
  expect(refused.err).toContain("MESSAGE_ILLEGAL");
  await set(4_194_304);
  expect((await send()).code).toBe(0);
});

test("the flush follows its settings as they are at each round", async () => {
  let synced = 0;
  const flusher = new Flusher({
    clock: systemClock,
    log: silentLogger,
    writtenEnd: () => 4096,
    sync: () => Promise.resolve(void synced++),
    onFlushed: () => {},
    onFailed: () => {},
  }, 0);
  const settings = { flushIntervalMs: 500, flushLeastPages: 2, flushThoroughIntervalMs: 60_000 };
  const task = flusher.task(settings);
  await task.tick();
  expect([task.intervalMs, synced]).toEqual([500, 0]);
  Object.assign(settings, { flushIntervalMs: 20, flushLeastPages: 1 });
  await task.tick();
  expect([task.intervalMs, synced]).toEqual([20, 1]);
});

test("POP's settings can be changed, as Apache's can", async () => {
  await using cluster = await openTestCluster();
  const { broker } = cluster;
  for (
    const setting of ["-k enablePopBufferMerge -v true", "-k popInflightMessageThreshold -v 5"]
  ) {
    expect((await cluster.run(`updateBrokerConfig -b ${broker} ${setting}`)).code).toBe(0);
  }
  const listed = await cluster.run(`getBrokerConfig -b ${broker}`);
  expect(listed.out).toMatch(/enablePopBufferMerge\s+=\s+true/);
  expect(listed.out).toMatch(/popInflightMessageThreshold\s+=\s+5$/m);
});

test("messages say the region and the trace switch that were set last", async () => {
  await using cluster = await openTestCluster();
  const { broker } = cluster;
  for (const setting of ["-k regionId -v North", "-k traceOn -v false"]) {
    expect((await cluster.run(`updateBrokerConfig -b ${broker} ${setting}`)).code).toBe(0);
  }
  // The first one makes its topic and goes the general way, the second one the hot way.
  for (let count = 0; count < 2; count++) {
    const sent = await cluster.run("sendMessage -t Regional -p hello");
    const id = /[0-9A-F]{32}/.exec(sent.out)![0];
    const found = await cluster.run(`queryMsgById -t Regional -i ${id}`);
    expect(found.out).toContain("MSG_REGION=North");
    expect(found.out).toContain("TRACE_ON=false");
  }
});
