// What clients tell of themselves while they run, as typed events. Costs nothing while nobody
// listens.
import type { Logger } from "../log.ts";
import type { ClientState } from "./client_core.ts";

/** The events of every client and what each tells. */
export interface ClientEvents {
  /** The client began to run, or ended. */
  state: { state: ClientState };
  /** The brokers or queues of a topic are others than before. */
  routeChanged: { topic: string; brokers: readonly string[] };
  /** A connection to a name server or broker is gone; it is made again when it is needed. */
  disconnected: { address: string; reason: string };
}

type Listener<T> = (event: T) => void;

/** Listeners by the name of what they listen to. */
export class TypedEvents<M extends object> {
  private readonly listeners = new Map<keyof M, Set<Listener<never>>>();

  constructor(private readonly log: Logger) {}

  /** Listens until what is returned is disposed of. */
  on<N extends keyof M>(name: N, listener: Listener<M[N]>): Disposable {
    const listeners = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, listeners);
    listeners.add(listener);
    return { [Symbol.dispose]: () => void listeners.delete(listener) };
  }

  /** What a listener throws is logged; the others still hear. */
  emit<N extends keyof M>(name: N, event: M[N]): void {
    for (const listener of this.listeners.get(name) ?? []) {
      try {
        (listener as Listener<M[N]>)(event);
      } catch (error) {
        this.log.warn("an event's listener failed", { event: String(name), error });
      }
    }
  }
}
