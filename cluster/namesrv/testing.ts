// What the name server's tests share: an open name server on loopback, raw requests to it, and
// bodies made comparable. Used by tests alone.
import { Buffer } from "node:buffer";
import { loadNamesrvConfig } from "../../core/config/servers.ts";
import type { Disk } from "../../core/disk/disk.ts";
import { MemoryDisk } from "../../core/disk/memory_disk.ts";
import { type Logger, silentLogger } from "../../core/log.ts";
import { seededRandom } from "../../core/random.ts";
import { requestCommand } from "../../core/remoting/answers.ts";
import { RemotingClient } from "../../core/remoting/client.ts";
import { EMPTY_BYTES, type RemotingCommand, SERIALIZE_JSON } from "../../core/remoting/command.ts";
import { createNodeTransport } from "../../core/remoting/transport_node.ts";
import type { Clock } from "../../core/time/clock.ts";
import { systemClock } from "../../core/time/system_clock.ts";
import { parseJsonText } from "./json_values.ts";
import { NameServer } from "./name_server.ts";

export const HOST = "127.0.0.1";
const CALL_TIMEOUT_MS = 10_000;

const machine = {
  processors: 2,
  hostName: "test",
  localAddress: HOST,
  homeDirectory: "/home/test",
  currentDirectory: "/home/test",
  rocketmqHome: null,
  namesrvAddr: null,
};

export interface TestOptions {
  overrides?: readonly string[];
  clock?: Clock;
  disk?: Disk;
  log?: Logger;
}

/** A name server on a free port of loopback, on a disk in memory unless it is given one. */
export function openNameServer(options: TestOptions = {}): Promise<NameServer> {
  const { live } = loadNamesrvConfig(
    {
      overrides: [
        `bindAddress=${HOST}`,
        "listenPort=0",
        "kvConfigPath=/data/kvConfig.json",
        ...options.overrides ?? [],
      ],
    },
    machine,
  );
  const clock = options.clock ?? systemClock;
  return NameServer.open({
    config: live,
    clock,
    disk: options.disk ?? new MemoryDisk(seededRandom(1)),
    random: seededRandom(1),
    log: options.log ?? silentLogger,
    transport: createNodeTransport(systemClock),
  });
}

/** One connection to a name server; closing it is what a broker's end looks like. */
export class TestPeer implements AsyncDisposable {
  readonly client = new RemotingClient({
    transport: createNodeTransport(systemClock),
    clock: systemClock,
    log: silentLogger,
    serializeType: SERIALIZE_JSON,
  });

  constructor(private readonly server: NameServer) {}

  request(
    code: number,
    fields?: Record<string, string>,
    body?: Uint8Array | string,
    version?: number,
  ): Promise<RemotingCommand> {
    const command = requestCommand(code, {
      extFields: new Map(Object.entries(fields ?? {})),
      body: typeof body === "string" ? Buffer.from(body) : body ?? EMPTY_BYTES,
      serializeType: SERIALIZE_JSON,
    });
    if (version !== undefined) command.version = version;
    return this.send(command);
  }

  send(command: RemotingCommand): Promise<RemotingCommand> {
    const { port } = this.server.addresses[0]!;
    return this.client.invoke(`${HOST}:${port}`, command, CALL_TIMEOUT_MS);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.client[Symbol.asyncDispose]();
  }
}

/**
 * A body without what has no meaning in it: the order of keys and of lists that stand for sets,
 * which is that of Java's hash tables in Apache's answers. Bare keys keep a mark, so that they
 * differ from quoted ones.
 */
export function comparable(text: string): unknown {
  if (!text.startsWith("{")) return text.split("\n").sort();
  const marked = text.replaceAll(
    /"(?:[^"\\]|\\.)*"|([{,])(-?\d+)(?=:)/g,
    (whole, before?: string, key?: string) => key === undefined ? whole : `${before}"bare ${key}"`,
  );
  return sorted(parseJsonText(marked));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(sorted);
    return items.sort((one, other) => JSON.stringify(one) < JSON.stringify(other) ? -1 : 1);
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).sort(([one], [other]) => one < other ? -1 : 1).map((
      [key, item],
    ) => [key, sorted(item)]),
  );
}
