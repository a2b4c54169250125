// A steady load by the client library, and members that consume it: what was acknowledged, and how often each message
// came to any member.
import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { Producer, type ProducerOptions } from "../../core/client/mod.ts";
import { type RunningProcess, startProcess, waitFor } from "../support/processes.ts";

const memberScript = new URL("member.ts", import.meta.url).pathname;
const TICK_MS = 10;
const PENDING_MAX = 200;

export class Load implements AsyncDisposable {
  /** Bodies that a broker has acknowledged. */
  readonly acknowledged = new Set<string>();
  readonly failures: unknown[] = [];
  private readonly timer: ReturnType<typeof setInterval>;
  private next = 0;

  private constructor(private readonly producer: Producer, topic: string, eachTick: number) {
    this.timer = setInterval(() => {
      for (let n = 0; n < eachTick && producer.pending < PENDING_MAX; n++) {
        const body = `m${this.next++}`;
        producer.send({ topic, body }).then(
          () => this.acknowledged.add(body),
          (error) => this.failures.push(error),
        );
      }
    }, TICK_MS);
  }

  /** Sends about `perSecond` messages to a topic of eight queues, until it is stopped. */
  static async start(
    options: ProducerOptions,
    topic: string,
    perSecond: number,
  ): Promise<Load> {
    const producer = await Producer.open({
      group: "G_load",
      autoCreateQueues: 8,
      routePollMs: 1_000,
      ...options,
    });
    await producer.send({ topic, body: "creates the topic" });
    return new Load(producer, topic, Math.ceil(perSecond * TICK_MS / 1000));
  }

  /** Waits until so many more are acknowledged. */
  async more(count: number): Promise<void> {
    const wanted = this.acknowledged.size + count;
    await waitFor(`${count} more acknowledged messages`, 60_000, () => {
      return this.acknowledged.size >= wanted;
    });
  }

  /** Sends no more; every send is settled. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.producer.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** The members of one group, started, stopped and killed one by one. */
export class Members implements AsyncDisposable {
  private readonly all: RunningProcess[] = [];

  constructor(
    private readonly folder: string,
    private readonly nameServers: string,
    private readonly group: string,
    private readonly topic: string,
  ) {}

  /** One that has joined. */
  async start(): Promise<RunningProcess> {
    const { nameServers, group, topic } = this;
    const member = startProcess({
      command: process.execPath,
      args: ["run", memberScript, nameServers, group, topic, this.file(this.all.length)],
      logPath: `${this.folder}/${group}-${this.all.length}.log`,
    });
    this.all.push(member);
    await waitFor("a member", 30_000, () => member.output().includes("ready"));
    return member;
  }

  /** How often each message came, by its body. */
  deliveries(): Map<string, number> {
    const times = new Map<string, number>();
    for (const index of this.all.keys()) {
      for (const body of this.of(index)) times.set(body, (times.get(body) ?? 0) + 1);
    }
    return times;
  }

  /** The bodies that came to one member, in their order. */
  of(index: number): string[] {
    const path = this.file(index);
    if (!existsSync(path)) return [];
    const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
    return lines.map((line) => line.split(" ")[0]!);
  }

  /** Waits until everything acknowledged has come to a member; gives how often each message came. */
  async untilAllCame(load: Load): Promise<Map<string, number>> {
    const missing = () => {
      const came = this.deliveries();
      return [...load.acknowledged].filter((body) => !came.has(body));
    };
    try {
      await waitFor("all messages", 60_000, () => missing().length === 0);
    } catch (error) {
      const left = missing();
      throw new Error(`${left.length} messages never came: ${left.slice(0, 10)}`, { cause: error });
    }
    return this.deliveries();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all.map((member) => member[Symbol.asyncDispose]()));
  }

  private file(index: number): string {
    return `${this.folder}/${this.group}-${index}.txt`;
  }
}
