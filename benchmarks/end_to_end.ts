// The end-to-end comparisons with Apache's broker: what is loaded, how, and what is promised of it.
import type { Comparison } from "./compare.ts";
import { features } from "./features.ts";
import {
  askingLoad,
  javaLoad,
  pipelinedLoad,
  poppingLoad,
  rebalancingLoad,
  type Side,
  type SideName,
  timersLoad,
} from "./support/side.ts";

export interface EndToEndOptions {
  folder: string;
  /** Seconds that each run measures. */
  seconds: number;
  /** Messages in the backlog that consumers read. */
  backlog: number;
  /** Timed messages, and delayed ones that others are sent over. */
  timers: number;
}

/** A million in a minute. */
const TIMERS_PER_SECOND = 1_000_000 / 60;
/** How long sending them all may take. */
const TIMERS_LEAD_SECONDS_MIN = 15;

export function endToEnd({ backlog, folder, seconds, timers }: EndToEndOptions): Comparison[] {
  const topic = "BenchTopic";
  return [
    ...[128, 1024].map((size): Comparison => ({
      name: `Java client, 64 threads, sync, ${size} B`,
      run: (side) => javaLoad(side, folder, ["produce", topic, 64, size, seconds]),
      goals: [
        { figure: "tps", of: "ratio", atLeast: 1.3 },
        { figure: "cpuUs", of: "ratio", atMost: 1 / 3 },
      ],
    })),
    {
      name: "Java client, 64 threads, 3 000 msg/s, 128 B",
      run: (side) => javaLoad(side, folder, ["produce", topic, 64, 128, seconds, 3_000]),
      goals: [{ figure: "p99Ms", of: "ratio", atMost: 1 }],
    },
    ...[128, 1024].map((size): Comparison => ({
      name: `Pipelined, 4 connections × 64, ${size} B`,
      prepare: async (side) => void await javaLoad(side, folder, ["produce", topic, 1, 128, 1]),
      run: (side) => pipelinedLoad(side, folder, [topic, 4, 64, size, seconds]),
      goals: size === 128
        ? [
          { figure: "tps", of: "ratio", atLeast: 3 },
          { figure: "cpuUs", of: "value", atMost: 3.5 },
          { figure: "residentMb", of: "value", atMost: 160 },
        ]
        : [],
    })),
    ...[64, 1].map((threads): Comparison => ({
      name: `SYNC_FLUSH, Java client, ${threads} thread${threads > 1 ? "s" : ""}, 128 B`,
      conf: { flushDiskType: "SYNC_FLUSH" },
      run: (side) => javaLoad(side, folder, ["produce", topic, threads, 128, seconds]),
      goals: [{ figure: "tps", of: "ratio", atLeast: threads > 1 ? 3 : 1.5 }],
    })),
    // The Java client is the limit above: here the brokers are compared.
    ...[64, 1].map((connections): Comparison => ({
      name: `SYNC_FLUSH, ${connections} connection${connections > 1 ? "s" : ""} × 1, 128 B`,
      conf: { flushDiskType: "SYNC_FLUSH" },
      prepare: async (side) => void await javaLoad(side, folder, ["produce", topic, 1, 128, 1]),
      run: (side) => pipelinedLoad(side, folder, [topic, connections, 1, 128, seconds]),
      goals: [{ figure: "tps", of: "ratio", atLeast: connections > 1 ? 3 : 2 }],
    })),
    {
      name: "Transactions, Java client, 64 threads, committed at once, 128 B",
      run: (side) => javaLoad(side, folder, ["transact", topic, 64, 128, seconds]),
      goals: [
        { figure: "tps", of: "ratio", atLeast: 1 },
        { figure: "cpuUs", of: "ratio", atMost: 1 / 2 },
      ],
    },
    {
      name: `Java consumer on a backlog of ${backlog}`,
      prepare: async (side) => {
        await javaLoad(side, folder, ["produce", topic, 1, 128, 1]);
        for (let stored = 0; stored < backlog;) {
          stored += (await pipelinedLoad(side, folder, [topic, 4, 64, 128, 4])).sent ?? 0;
        }
      },
      run: (side) => javaLoad(side, folder, ["consume", topic, backlog, 120]),
      goals: [
        { figure: "tps", of: "ratio", atLeast: 1 },
        { figure: "cpuUs", of: "ratio", atMost: 1 / 3 },
      ],
    },
    ...[1, 64].map((atATime): Comparison => ({
      name: `Request-reply, our client on both sides, ${atATime} at a time, 128 B`,
      run: (side) => askingLoad(side, folder, [topic, atATime, seconds]),
      goals: [
        { figure: "p99Ms", of: "ratio", atMost: 1 },
        { figure: "cpuUs", of: "ratio", atMost: 1 / 3 },
      ],
    })),
    {
      name: "POP, 8 workers, 32 a pop, each message acknowledged",
      prepare: async (side) => {
        await javaLoad(side, folder, ["produce", topic, 1, 128, 1]);
        await pipelinedLoad(side, folder, [topic, 4, 64, 128, 4]);
      },
      run: (side) => poppingLoad(side, folder, [topic, 8, seconds]),
      goals: [
        { figure: "tps", of: "ratio", atLeast: 1 },
        { figure: "cpuUs", of: "ratio", atMost: 1 / 3 },
      ],
    },
    {
      name: "Rebalance, a member of our client joins or leaves a group of two",
      run: (side) => rebalancingLoad(side, folder, ["Shared", 4 * seconds]),
      goals: [{ figure: "p50Ms", of: "ratio", atMost: 1 }],
    },
    {
      name: `${timers} timed messages, a million a minute`,
      roundsMax: 1,
      // Once for the compilers, as the other loads warm up: a short run has few ticks.
      prepare: async (side) => void await timersLoad(side, folder, ["Warm", "timer", 30_000, 8, 3]),
      run: (side, round) => {
        const spread = timers / TIMERS_PER_SECOND;
        const lead = Math.max(TIMERS_LEAD_SECONDS_MIN, spread);
        return timersLoad(side, folder, [`Timers${round}`, "timer", timers, lead, spread]);
      },
      // A tick of a second, and what storing its messages takes.
      goals: [{ figure: "p99Ms", of: "value", atMost: 1_150 }],
    },
    {
      name: "Delay level of 5 s at 10 000 msg/s",
      roundsMax: 2,
      run: (side, round) =>
        timersLoad(side, folder, [`Delayed${round}`, "level", 10_000 * seconds, 10_000, 2, 5_000]),
      goals: [{ figure: "p99Ms", of: "value", atMost: 100 }],
    },
    overBacklog({ folder, seconds, timers }),
    {
      name: "Long-poll delivery at 1 000 msg/s",
      run: (side) => javaLoad(side, folder, ["delivery", topic, 1000, seconds]),
      goals: [
        { figure: "p50Ms", of: "value", atMost: 2 },
        { figure: "p99Ms", of: "value", atMost: 20 },
      ],
    },
    ...features({ backlog, folder, seconds }),
  ];
}

/** Sends while a million delayed messages wait, beside the same sends before there were any. */
function overBacklog({ folder, seconds, timers }: Omit<EndToEndOptions, "backlog">): Comparison {
  const topic = "BenchTopic";
  const without = new Map<SideName, number>();
  const sends = (side: Side) => pipelinedLoad(side, folder, [topic, 4, 64, 128, seconds]);
  return {
    name: `Pipelined, 4 connections × 64, 128 B, over ${timers} delayed messages`,
    prepare: async (side) => {
      await javaLoad(side, folder, ["produce", topic, 1, 128, 1]);
      // Once for the compilers.
      await sends(side);
      without.set(side.name, (await sends(side)).cpuUs);
      await timersLoad(side, folder, ["Waiting", "backlog", timers, 18]);
    },
    run: async (side) => {
      const result = await sends(side);
      return { ...result, extraCpuUs: result.cpuUs - without.get(side.name)! };
    },
    // As without them: a tenth of what a send may cost is what runs differ by.
    goals: [
      { figure: "tps", of: "ratio", atLeast: 3 },
      { figure: "extraCpuUs", of: "value", atMost: 0.35 },
    ],
  };
}
