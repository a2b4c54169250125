// A ledger of acknowledged messages, by a Java client and by a pipelined raw one, and its comparison with what is
// stored in the end (interop/java/src/Ledger.java). Says nothing of messages that weren't acknowledged.
import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { silentLogger } from "../../core/log.ts";
import { requestCommand } from "../../core/remoting/answers.ts";
import { RemotingClient } from "../../core/remoting/client.ts";
import { SEND_MESSAGE_V2 } from "../../core/remoting/codes/send.ts";
import { encodeFields } from "../../core/remoting/fields.ts";
import { createSystemTransport } from "../../core/remoting/system_transport.ts";
import { systemClock } from "../../core/time/system_clock.ts";
import { runJavaMain, startJavaMain } from "./java_main.ts";

const FILLER_BYTES_MAX = 1500;
const CALL_TIMEOUT_MS = 3000;
const RETRY_MS = 5;

/** Something that sends until it is told to stop. */
export interface Sender {
  readonly ledgerPath: string;
  stop(): Promise<void>;
}

/** What `Ledger check` says. */
export interface LedgerCheck {
  acknowledged: number;
  stored: number;
  viewed: number;
  missing: string[];
  changed: string[];
  clashes: string[];
  unreadable: string[];
}

/** The body that belongs to a key: the same as Ledger.java's. */
export function ledgerBody(key: string): Buffer {
  let hash = 7;
  for (let at = 0; at < key.length; at++) {
    hash = (Math.imul(hash, 31) + key.charCodeAt(at)) & 0x7fffffff;
  }
  const filler = String.fromCharCode(97 + hash % 26).repeat(hash % FILLER_BYTES_MAX);
  return Buffer.from(`${key}:${filler}`);
}

export async function startJavaSender(
  namesrvAddress: string,
  topic: string,
  threads: number,
  folder: string,
): Promise<Sender> {
  const id = `${topic}-${Date.now()}`;
  const ledgerPath = `${folder}/java-${id}.ledger`;
  const stopPath = `${folder}/java-${id}.stop`;
  const args = ["send", namesrvAddress, topic, String(threads), ledgerPath, stopPath];
  const process = await startJavaMain("Ledger", args, folder);
  return {
    ledgerPath,
    async stop() {
      writeFileSync(stopPath, "");
      const code = await process.exited;
      if (code !== 0) throw new Error(`the Java sender ended with ${code}\n${process.output()}`);
      await process[Symbol.asyncDispose]();
    },
  };
}

export interface RawSenderOptions {
  brokerAddress: string;
  topic: string;
  queues: number;
  inFlight: number;
  folder: string;
  /** Told each refusal's code and remark, and each lost call as code −1. */
  onRefused?: (code: number, remark: string) => void;
  /** Kept as small by default as a key needs. */
  bodyOf?: (key: string) => Buffer;
}

export interface RawSender extends Sender {
  /** How many messages were acknowledged by now. */
  readonly acknowledged: number;
}

/** Many requests in flight on one connection, which is made again when the broker died. */
export function startRawSender(options: RawSenderOptions): RawSender {
  const { brokerAddress, topic, queues, inFlight, folder } = options;
  const bodyOf = options.bodyOf ?? ledgerBody;
  const ledgerPath = `${folder}/raw-${topic}-${Date.now()}.ledger`;
  const ledger = openSync(ledgerPath, "w");
  const transport = createSystemTransport(systemClock);
  const client = new RemotingClient({ transport, clock: systemClock, log: silentLogger });
  let stopped = false;
  let acknowledged = 0;
  let nextKey = 0;
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const sendOne = async (): Promise<void> => {
    const key = `r${process.pid}-${nextKey++}`;
    const queueId = nextKey % queues;
    try {
      const fields = fieldsOf(topic, key, queueId);
      const extFields = encodeFields(SEND_MESSAGE_V2.request, fields);
      const request = requestCommand(SEND_MESSAGE_V2.code, { extFields, body: bodyOf(key) });
      const answer = await client.invoke(brokerAddress, request, CALL_TIMEOUT_MS);
      if (answer.code !== 0) {
        options.onRefused?.(answer.code, answer.remark ?? "");
        await pause(RETRY_MS);
        return;
      }
      acknowledged++;
      // The answer's msgId is the offset id.
      const place = ["queueId", "queueOffset", "msgId"].map((name) => answer.extFields.get(name));
      writeSync(ledger, `${[key, ...place].join("\t")}\n`);
    } catch (error) {
      options.onRefused?.(-1, String(error));
      await pause(RETRY_MS);
    }
  };
  const loops = Array.from({ length: inFlight }, async () => {
    while (!stopped) await sendOne();
  });
  return {
    ledgerPath,
    get acknowledged() {
      return acknowledged;
    },
    async stop() {
      stopped = true;
      await Promise.all(loops);
      await client[Symbol.asyncDispose]();
      closeSync(ledger);
    },
  };
}

function fieldsOf(topic: string, key: string, queueId: number) {
  return {
    a: "G_ledger",
    b: topic,
    c: "TBW102",
    d: 8,
    e: queueId,
    f: 0,
    g: Date.now(),
    h: 0,
    i: `KEYS\x01${key}\x02WAIT\x01true\x02`,
    j: 0,
    k: false,
    m: false,
  };
}

/** Compares ledgers with what is stored, by a Java client. */
export async function checkLedgers(
  namesrvAddress: string,
  topic: string,
  ledgerPaths: readonly string[],
  folder: string,
): Promise<LedgerCheck> {
  const output = await runJavaMain("Ledger", [
    "check",
    namesrvAddress,
    topic,
    ...ledgerPaths,
  ], folder);
  const line = /^CHECK (\{.*\})$/m.exec(output)?.[1];
  if (line === undefined) throw new Error(`no CHECK line:\n${output}`);
  return JSON.parse(line) as LedgerCheck;
}
