// What producers and pull consumers show of themselves: identity, state, start and end. The work is
// client_core.ts's.
import type { ClientCore, ClientState } from "./client_core.ts";
import type { ClientEvents } from "./events.ts";

export abstract class PublicClient implements AsyncDisposable {
  protected abstract readonly core: ClientCore;

  get group(): string {
    return this.core.membership.group;
  }

  /** How brokers call this client: address@instance. */
  get clientId(): string {
    return this.core.clientId;
  }

  get state(): ClientState {
    return this.core.state;
  }

  /**
   * Hears of an event until what is returned is disposed of: "state", "routeChanged",
   * "disconnected".
   */
  on<N extends keyof ClientEvents>(
    name: N,
    listener: (event: ClientEvents[N]) => void,
  ): Disposable {
    return this.core.events.on(name, listener);
  }

  /** Throws ClientError "already_started" or "duplicate_group". */
  start(): Promise<void> {
    return this.core.start(() => {
      this.core.keepAlive();
      return this.begin();
    });
  }

  /** What this kind of client does at its start besides; it fails the start when it rejects. */
  protected begin(): Promise<void> {
    return Promise.resolve();
  }

  abstract close(): Promise<void>;

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
