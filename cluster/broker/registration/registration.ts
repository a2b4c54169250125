// Registers the broker with all of its name servers: at start, periodically and after each change of a topic; takes it
// out of them at the end. Each name server is dealt with by itself, so that a dead one delays nobody
// (Java: BrokerController.registerBrokerAll, BrokerOuterAPI).
import type { Buffer } from "node:buffer";
import { crc32Masked } from "../../../core/bytes/crc32.ts";
import type { Logger } from "../../../core/log.ts";
import { parseLenientJsonBytes } from "../../../core/json/lenient_reader.ts";
import {
  QUERY_DATA_VERSION,
  REGISTER_BROKER,
  UNREGISTER_BROKER,
} from "../../../core/remoting/codes/namesrv.ts";
import type { RemotingClient } from "../../../core/remoting/client.ts";
import { ResponseCode } from "../../../core/remoting/response_codes.ts";
import { runInBackground } from "../../../core/time/background.ts";
import type { Clock } from "../../../core/time/clock.ts";
import { type DataVersion, parseDataVersion, sameDataVersion } from "../data_version.ts";
import { JsonFields } from "../json_fields.ts";
import { REGISTRATION_WAIT_MS_MAX, UNREGISTRATION_MS_MAX } from "../limits.ts";
import type { TopicTable } from "../topics/topic_table.ts";
import { encodeRegistrationBody } from "./registration_body.ts";

/** Configuration keys by Apache's names. */
export interface RegistrationSettings {
  brokerName: string;
  brokerClusterName: string;
  brokerId: number;
  brokerPermission: number;
  registerNameServerPeriod: number;
  registerBrokerTimeoutMills: number;
  forceRegister: boolean;
  compressedRegister: boolean;
}

export interface RegistrationParts {
  client: Pick<RemotingClient, "call">;
  nameServers: readonly string[];
  /** The address that clients are told to use, host:port. */
  brokerAddress: string;
  /** The address that slaves are told to use, host:port. */
  haAddress: string;
  settings: RegistrationSettings;
  topics: TopicTable;
  clock: Clock;
  log: Logger;
}

/** The bounds that Apache puts on registerNameServerPeriod. */
const PERIOD_MS_MIN = 10_000;
const PERIOD_MS_MAX = 60_000;
const FIRST_PERIOD_MS = 10_000;

/** A registration's body, kept until the topics or the broker's permission change. */
interface EncodedBody {
  version: DataVersion;
  brokerPermission: number;
  compressed: boolean;
  bytes: Buffer;
  crc32: number;
}

export class Registration implements AsyncDisposable {
  private readonly servers: NameServerLink[];
  private readonly task: AsyncDisposable;
  private body: EncodedBody | null = null;
  private stopped = false;

  constructor(private readonly parts: RegistrationParts) {
    const { clock, log, settings } = parts;
    this.servers = parts.nameServers.map((address) =>
      new NameServerLink(address, log, (force) => this.registerWith(address, force))
    );
    this.task = runInBackground(
      {
        name: "registration with the name servers",
        intervalMs: Math.min(
          Math.max(settings.registerNameServerPeriod, PERIOD_MS_MIN),
          PERIOD_MS_MAX,
        ),
        initialDelayMs: FIRST_PERIOD_MS,
        tick: () => {
          this.registerAll(settings.forceRegister);
          return "idle";
        },
      },
      clock,
      log,
    );
  }

  /**
   * Registers what there is now with every name server. Resolves when all have answered or failed, or after
   * REGISTRATION_WAIT_MS_MAX: a slow one goes on in the background.
   */
  async registerNow(): Promise<void> {
    if (this.stopped || this.servers.length === 0) return;
    const all = this.registerAll(true);
    await Promise.race([all, this.waitAtMost(all)]);
  }

  /** Stops registering and leaves all name servers. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.stopped = true;
    await this.task[Symbol.asyncDispose]();
    await Promise.all(this.servers.map((server) => this.unregisterFrom(server.address)));
  }

  private registerAll(force: boolean): Promise<void> {
    if (this.stopped) return Promise.resolve();
    return Promise.all(this.servers.map((server) => server.register(force))).then(() => {});
  }

  /** Resolves after the longest wait, or once nobody needs it any more. */
  private async waitAtMost(all: Promise<void>): Promise<void> {
    const over = new AbortController();
    all.finally(() => over.abort());
    await this.parts.clock.sleep(REGISTRATION_WAIT_MS_MAX, over.signal).catch(() => {});
  }

  private async registerWith(address: string, force: boolean): Promise<void> {
    if (this.stopped || (!force && !await this.isStale(address))) return;
    const { client, settings, haAddress, topics } = this.parts;
    const body = this.encoded();
    const answer = await client.call(
      REGISTER_BROKER,
      address,
      {
        ...this.identity(),
        haServerAddr: haAddress,
        enableActingMaster: false,
        compressed: body.compressed,
        bodyCrc32: body.crc32,
      },
      body.bytes,
      { timeoutMs: settings.registerBrokerTimeoutMills },
    );
    if (answer.code !== ResponseCode.SUCCESS) {
      throw new Error(`refused with code ${answer.code}: ${answer.remark}`);
    }
    if (answer.body.length > 0) topics.markOrdered(orderedTopics(answer.body));
  }

  /** Whether a name server has another version of the topics; one that can't say is registered with. */
  private async isStale(address: string): Promise<boolean> {
    const { client, settings, topics } = this.parts;
    const version = topics.dataVersion;
    const answer = await client.call(
      QUERY_DATA_VERSION,
      address,
      this.identity(),
      new TextEncoder().encode(JSON.stringify(version)),
      { timeoutMs: settings.registerBrokerTimeoutMills },
    );
    if (answer.code !== ResponseCode.SUCCESS || answer.fields.changed !== false) return true;
    return answer.body.length > 0 &&
      !sameDataVersion(parseDataVersion(parseLenientJsonBytes(answer.body)), version);
  }

  private async unregisterFrom(address: string): Promise<void> {
    try {
      await this.parts.client.call(UNREGISTER_BROKER, address, this.identity(), undefined, {
        timeoutMs: UNREGISTRATION_MS_MAX,
      });
    } catch (error) {
      this.parts.log.warn("a name server was not told that the broker leaves", { address, error });
    }
  }

  private identity() {
    const { settings, brokerAddress } = this.parts;
    return {
      brokerName: settings.brokerName,
      brokerAddr: brokerAddress,
      clusterName: settings.brokerClusterName,
      brokerId: settings.brokerId,
    };
  }

  private encoded(): EncodedBody {
    const { topics, settings } = this.parts;
    const { brokerPermission, compressedRegister: compressed } = settings;
    const version = topics.dataVersion;
    const known = this.body;
    if (
      known !== null && known.version === version && known.compressed === compressed &&
      known.brokerPermission === brokerPermission
    ) return known;
    const content = { topics: topics.all().values(), dataVersion: version, brokerPermission };
    const bytes = encodeRegistrationBody(content, compressed);
    return this.body = {
      version,
      brokerPermission,
      compressed,
      bytes,
      crc32: crc32Masked(bytes),
    };
  }
}

/** One name server: at most one registration under way, and one more after it for all who ask meanwhile. */
class NameServerLink {
  private current: Promise<void> | null = null;
  private next: Promise<void> | null = null;
  private nextForced = false;
  private isDown = false;

  constructor(
    readonly address: string,
    private readonly log: Logger,
    private readonly run: (force: boolean) => Promise<void>,
  ) {}

  /** Resolves when a registration that began after this call has ended, well or not. */
  register(force: boolean): Promise<void> {
    if (this.current === null) return this.current = this.attempt(force);
    this.nextForced ||= force;
    this.next ??= this.current.then(() => {
      const forced = this.nextForced;
      this.next = null;
      this.nextForced = false;
      return this.current = this.attempt(forced);
    });
    return this.next;
  }

  private async attempt(force: boolean): Promise<void> {
    try {
      await this.run(force);
      if (this.isDown) this.log.info("registered again", { nameServer: this.address });
      this.isDown = false;
    } catch (error) {
      // Said once, not every 30 seconds.
      if (!this.isDown) this.log.warn("not registered", { nameServer: this.address, error });
      this.isDown = true;
    } finally {
      this.current = null;
    }
  }
}

/** The topics that the name servers keep as ordered: the keys of the answer's KV table (Java: KVTable). */
function orderedTopics(body: Uint8Array): string[] {
  return JsonFields.ofBody(body, "kvTable").object("table")?.names() ?? [];
}
