// When decisions are written, whatever fractions of milliseconds the clock shows.
import { expect, test } from "bun:test";
import { silentLogger } from "../../../core/log.ts";
import { VirtualClock } from "../../../core/time/virtual_clock.ts";
import type { MessageToStore, PutResult } from "../../../store/message_store.ts";
import { noStats } from "../stats_sink.ts";
import { OpBatches } from "./op_batches.ts";

const INTERVAL_MS = 600;

test("a batch is written once its interval is over, by a clock of which (t + interval) − t is less than the interval", async () => {
  const clock = new VirtualClock();
  const bodies: string[] = [];
  const batches = new OpBatches({
    store: {
      put(messages: readonly MessageToStore[]): Promise<PutResult[]> {
        bodies.push(...messages.map(({ body }) => String(body)));
        const status = "ok" as const;
        const result = { status, detail: "", physicalOffset: 0, queueOffset: 0, size: 1 };
        return Promise.resolve(messages.map(() => ({ ...result, storeTimestampMs: 0 })));
      },
    },
    storeHost: { address: new Uint8Array([127, 0, 0, 1]), port: 1 },
    clock,
    log: silentLogger,
    stats: noStats,
    settings: { transactionOpMsgMaxSize: 4096, transactionOpBatchInterval: INTERVAL_MS },
    written() {},
  });
  while (clock.monotonicMs() + INTERVAL_MS - clock.monotonicMs() >= INTERVAL_MS) {
    await clock.advance(0.1);
  }
  batches.add(0, 7);
  await clock.advance(INTERVAL_MS - 1);
  expect(bodies).toEqual([]);
  await clock.advance(2);
  expect(bodies).toEqual(["7,"]);
  await batches[Symbol.asyncDispose]();
});
