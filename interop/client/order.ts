// An orderly load and its ledger: numbered messages to each queue, and what the members' shared file says of how they
// were consumed.
import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { type MessageQueue, Producer } from "../../core/client/mod.ts";
import { startJavaMain } from "../support/java_main.ts";
import { type RunningProcess, startProcess, waitFor } from "../support/processes.ts";

const memberScript = new URL("orderly_member.ts", import.meta.url).pathname;
const PAUSE_MS = 20;
const RETRY_MS = 200;

/** Sends 0, 1, 2 … to each queue of a topic, each after the one before was acknowledged, until it is stopped. */
export class NumberedLoad {
  /** Messages acknowledged, by queue id. */
  readonly sent: number[];
  private stopped = false;
  private readonly loops: Promise<void>[];

  private constructor(private readonly producer: Producer, queues: readonly MessageQueue[]) {
    this.sent = queues.map(() => 0);
    this.loops = queues.map((queue) => this.loop(queue));
  }

  static async start(nameServers: string, topic: string): Promise<NumberedLoad> {
    const producer = await Producer.open({
      nameServers,
      group: "G_numbered",
      routePollMs: 1_000,
      sendRetries: 0,
    });
    // Creates the topic; no number, so that members pass over it.
    await producer.send({ topic, body: "first" });
    return new NumberedLoad(producer, await producer.queues(topic));
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.loops);
    await this.producer.close();
  }

  private async loop(queue: MessageQueue): Promise<void> {
    const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    while (!this.stopped) {
      try {
        const body = `${this.sent[queue.queueId]}`;
        await this.producer.send({ topic: queue.topic, body }, { queue });
        this.sent[queue.queueId]!++;
        await pause(PAUSE_MS);
      } catch {
        // Perhaps it was stored all the same: then it comes twice, one behind the other.
        await pause(RETRY_MS);
      }
    }
  }
}

interface Entry {
  kind: string;
  member: number;
  queueId: number;
  number: number;
}

/** The members of one orderly group, ours and Java's, and their ledger. */
export class OrderlyMembers implements AsyncDisposable {
  private readonly all: RunningProcess[] = [];
  private readonly killed = new Set<number>();
  private readonly path: string;

  constructor(
    private readonly folder: string,
    private readonly nameServers: string,
    private readonly group: string,
    private readonly topic: string,
  ) {
    this.path = `${folder}/${group}.txt`;
  }

  /** One that has joined. */
  async start(kind: "ours" | "java"): Promise<RunningProcess> {
    const args = [this.nameServers, this.group, this.topic, this.path];
    const member = kind === "java"
      ? await startJavaMain("OrderlyMember", args, this.folder)
      : startProcess({
        command: process.execPath,
        args: ["run", memberScript, ...args],
        logPath: `${this.folder}/${this.group}-${this.all.length}.log`,
      });
    this.all.push(member);
    await waitFor("a member", 60_000, () => member.output().includes("ready"));
    return member;
  }

  async kill(member: RunningProcess): Promise<void> {
    this.killed.add(member.pid);
    member.kill("SIGKILL");
    await member.exited;
  }

  /** How many of each queue's messages were consumed, by queue id. */
  consumed(): number[] {
    const counts: number[] = [];
    for (const { kind, queueId, number } of this.entries()) {
      if (kind === "end") counts[queueId] = Math.max(counts[queueId] ?? 0, number + 1);
    }
    return counts;
  }

  /** Queues that a member has consumed from. */
  queuesOf(member: RunningProcess): Set<number> {
    return new Set(
      this.entries().filter((entry) => entry.member === member.pid).map(({ queueId }) => queueId),
    );
  }

  /** Waits until so many more of every queue's messages were consumed. */
  async progress(what: string, queues: number, count: number): Promise<void> {
    const before = this.consumed();
    await waitFor(`${what}: ${count} more of each queue`, 150_000, () => {
      const now = this.consumed();
      return Array.from({ length: queues }, (_, id) => (now[id] ?? 0) - (before[id] ?? 0))
        .every((more) => more >= count);
    });
  }

  until(what: string, condition: () => boolean): Promise<boolean> {
    return waitFor(what, 150_000, condition);
  }

  /** What went wrong: gaps, steps ahead, and members at work on one queue at the same time. */
  violations(): string[] {
    const found: string[] = [];
    const last = new Map<number, number>();
    const open = new Map<number, Entry>();
    for (const entry of this.entries()) {
      const { kind, member, queueId, number } = entry;
      const running = open.get(queueId);
      if (kind === "end") {
        if (running?.member === member) open.delete(queueId);
        continue;
      }
      if (running !== undefined && !this.killed.has(running.member)) {
        found.push(
          `queue ${queueId}: ${member} begins ${number} in ${running.member}'s ${running.number}`,
        );
      }
      open.set(queueId, entry);
      // Going back, to where the last commit was, is allowed; leaving something out is not.
      if (number > (last.get(queueId) ?? -1) + 1) {
        found.push(`queue ${queueId}: ${number} after ${last.get(queueId)}`);
      }
      last.set(queueId, number);
    }
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all.map((member) => member[Symbol.asyncDispose]()));
  }

  private entries(): Entry[] {
    if (!existsSync(this.path)) return [];
    return readFileSync(this.path, "utf8").split("\n").slice(0, -1).map((line) => {
      const [kind, member, queueId, number] = line.split(" ");
      return {
        kind: kind!,
        member: Number(member),
        queueId: Number(queueId),
        number: Number(number),
      };
    });
  }
}
