// A few short histories of transactions among plain messages. HISTORIES=200 makes a long run.
import { expect, test } from "bun:test";
import { runHistory } from "../history.ts";
import { MessagesWorkload } from "./messages.ts";
import { TransactionsWorkload } from "./transactions.ts";

const HISTORIES = Number(process.env.HISTORIES ?? 2);
const POINTS = 5;
const workloads = [() => new TransactionsWorkload(), () => new MessagesWorkload()];

test("transactions end once, as their producer said, whenever the broker dies", async () => {
  for (let seed = 0; seed < HISTORIES; seed++) {
    const { problems } = await runHistory({ seed, points: POINTS, workloads });
    expect({ seed, problems }).toEqual({ seed, problems: [] });
  }
});
