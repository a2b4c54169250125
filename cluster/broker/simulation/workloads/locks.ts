// Queue locks of orderly consumers. Promises: a queue has one holder at a time, who may renew; 60 s after its last renewal,
// or when it is given back, anyone may take it; and who holds it when the broker dies has it for 30 s after the start.
import { Buffer } from "node:buffer";
import { parseLenientJsonBytes } from "../../../../core/json/lenient_reader.ts";
import { randomBelow } from "../../../../core/random.ts";
import { LOCK_BATCH_MQ, UNLOCK_BATCH_MQ } from "../../../../core/remoting/codes/locks.ts";
import { QUEUE_LOCK_EXPIRY_MS } from "../../locks/queue_locks.ts";
import type { LifeEnd, SimulatedLife, Workload } from "../workload.ts";

const GROUP = "InTurn";
const QUEUES = 3;
const CLIENTS = ["a", "b", "c"] as const;
const NOBODY = "nobody";
/** What a client may still trust of its lock when it can't renew it. */
const TRUST_MS = 30_000;

/** When the broker heard of a holder last, as far as is known: not before, and not after. Monotonic ms of this life. */
interface Span {
  fromMs: number;
  toMs: number;
}

const ALWAYS: Span = { fromMs: 0, toMs: 0 };

/** One queue's lock: who has it, or who may have it, while nothing tells. */
export class LockModel {
  private holders = new Map<string, Span>([[NOBODY, ALWAYS]]);
  /** Whom the broker's disk may name. */
  private saved = new Set<string>([NOBODY]);

  constructor(private readonly queueId: number) {}

  /** A broker has started: whoever is on its disk is protected for as long as it may trust its lock. */
  begin(nowMs: number): void {
    const heldMs = TRUST_MS - QUEUE_LOCK_EXPIRY_MS;
    const span = { fromMs: heldMs, toMs: nowMs + heldMs };
    this.holders = new Map([...this.saved].map((holder) => [holder, span]));
  }

  /** The client asks: from now on its name may be written. */
  asked(client: string): void {
    this.saved.add(client);
  }

  /** The client gives it back: from now on nobody's name may be written. */
  returning(): void {
    this.saved.add(NOBODY);
  }

  returned(client: string): void {
    if (!this.holders.delete(client)) return;
    this.holders.set(NOBODY, ALWAYS);
  }

  /** The broker has answered a client that asked within the span: says what is wrong with that, if anything is. */
  answered(client: string, isGranted: boolean, asked: Span): string | null {
    const possible = [...this.holders].filter(([holder, span]) =>
      isGranted ? mayTake(client, holder, span, asked) : mayBeRefused(client, holder, span, asked)
    );
    const before = this.toString();
    this.lapse(asked.toMs);
    this.holders = isGranted ? new Map([[client, asked]]) : new Map(possible);
    if (possible.length > 0) return null;
    return `queue ${this.queueId} was ${isGranted ? "given" : "refused"} to ${client} at ` +
      `${asked.toMs} and held by ${before}`;
  }

  /** All that happened so far is on the disk. */
  settled(): void {
    this.saved = new Set(this.holders.keys());
  }

  /** Names of holders whose time is up are left out when the file is written. */
  lapse(nowMs: number): void {
    for (const { fromMs } of this.holders.values()) {
      if (nowMs - fromMs > QUEUE_LOCK_EXPIRY_MS) this.saved.add(NOBODY);
    }
  }

  toString(): string {
    const names = [...this.holders].map(([holder, { fromMs, toMs }]) =>
      holder === NOBODY ? NOBODY : `${holder} (${fromMs}…${toMs})`
    );
    return names.join(" or ");
  }
}

function mayTake(client: string, holder: string, renewed: Span, asked: Span): boolean {
  if (holder === client || holder === NOBODY) return true;
  return asked.toMs - renewed.fromMs > QUEUE_LOCK_EXPIRY_MS;
}

function mayBeRefused(client: string, holder: string, renewed: Span, asked: Span): boolean {
  if (holder === client || holder === NOBODY) return false;
  return asked.fromMs - renewed.toMs <= QUEUE_LOCK_EXPIRY_MS;
}

export class LocksWorkload implements Workload {
  readonly name = "queue locks";
  private readonly locks = Array.from({ length: QUEUES }, (_, queueId) => new LockModel(queueId));
  /** Requests go one after the other, so that what is known of each queue is known at each answer. */
  private isBusy = false;
  private clock: SimulatedLife["clock"] | null = null;

  begin(life: SimulatedLife): Promise<void> {
    this.isBusy = false;
    this.clock = life.clock;
    for (const lock of this.locks) lock.begin(life.clock.monotonicMs());
    return Promise.resolve();
  }

  /** Whoever it is that comes first after a start. */
  check(life: SimulatedLife): Promise<void> {
    return this.lock(life, this.anyClient(life), this.allQueues());
  }

  act(life: SimulatedLife): void {
    if (this.isBusy) return;
    const { random } = life;
    const queues = this.allQueues().filter(() => randomBelow(random, 3) > 0);
    const client = this.anyClient(life);
    if (randomBelow(random, 4) === 0) void this.unlock(life, client, queues);
    else void this.lock(life, client, queues);
  }

  ended(_end: LifeEnd): void {
    if (this.clock === null) return;
    for (const lock of this.locks) lock.lapse(this.clock.monotonicMs());
    this.clock = null;
  }

  removed(): void {}

  async finish(life: SimulatedLife): Promise<void> {
    for (const client of CLIENTS) await this.unlock(life, client, this.allQueues());
    for (const client of CLIENTS) await this.lock(life, client, this.allQueues());
  }

  private async lock(life: SimulatedLife, client: string, queueIds: number[]): Promise<void> {
    this.isBusy = true;
    const fromMs = life.clock.monotonicMs();
    for (const queueId of queueIds) this.locks[queueId]!.asked(client);
    const { body } = await life.call(LOCK_BATCH_MQ, {}, requestOf(client, queueIds));
    if (life.disk.isDead) return;
    const asked = { fromMs, toMs: life.clock.monotonicMs() };
    const granted = queuesIn(body);
    for (const queueId of queueIds) {
      const problem = this.locks[queueId]!.answered(client, granted.includes(queueId), asked);
      if (problem !== null) life.broken(problem);
    }
    if (granted.some((queueId) => !queueIds.includes(queueId))) {
      life.broken(`${client} asked for ${queueIds} and was given ${granted}`);
    }
    // A lock is answered when it is saved, and so is all that came before it; unless the disk refuses.
    if (!life.hasFaults) { for (const lock of this.locks) lock.settled(); }
    this.isBusy = false;
  }

  private async unlock(life: SimulatedLife, client: string, queueIds: number[]): Promise<void> {
    this.isBusy = true;
    for (const queueId of queueIds) this.locks[queueId]!.returning();
    await life.call(UNLOCK_BATCH_MQ, {}, requestOf(client, queueIds));
    if (life.disk.isDead) return;
    for (const queueId of queueIds) this.locks[queueId]!.returned(client);
    this.isBusy = false;
  }

  private anyClient(life: SimulatedLife): string {
    return CLIENTS[randomBelow(life.random, CLIENTS.length)]!;
  }

  private allQueues(): number[] {
    return this.locks.map((_, queueId) => queueId);
  }
}

function requestOf(clientId: string, queueIds: readonly number[]): Uint8Array {
  const mqSet = queueIds.map((queueId) => ({ topic: "InTurn", brokerName: "simulated", queueId }));
  return Buffer.from(JSON.stringify({ consumerGroup: GROUP, clientId, mqSet }));
}

function queuesIn(body: Uint8Array): number[] {
  const { lockOKMQSet } = parseLenientJsonBytes(body) as { lockOKMQSet: { queueId: number }[] };
  return lockOKMQSet.map(({ queueId }) => queueId);
}
