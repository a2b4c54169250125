// Asks name servers for routes: one at a time, the next one when it fails, and stays with the one
// that answered. Keeps no routes.
import { type Random, randomBelow } from "../random.ts";
import type { RemotingClient } from "../remoting/client.ts";
import { GET_ROUTEINFO_BY_TOPIC } from "../remoting/codes/namesrv.ts";
import { ResponseCode } from "../remoting/response_codes.ts";
import { ClientError, refusal } from "./client_error.ts";
import { ask } from "./remote_calls.ts";
import { parseRoute, type TopicRoute } from "./route.ts";

export class NameServers {
  private current: number;

  constructor(
    private readonly remoting: RemotingClient,
    readonly addresses: readonly string[],
    private readonly timeoutMs: number,
    random: Random,
  ) {
    this.current = randomBelow(random, addresses.length);
  }

  /**
   * The route of a topic; null when the name server says that there is none. Throws ClientError
   * "no_name_server" with the last failure when none answers.
   */
  async route(topic: string, signal?: AbortSignal): Promise<TopicRoute | null> {
    let failure: unknown = null;
    for (let tries = this.addresses.length; tries > 0; tries--) {
      const { current } = this;
      try {
        return await this.ask(this.addresses[current]!, topic, signal);
      } catch (error) {
        if (error instanceof ClientError && error.code === "aborted") throw error;
        failure = error;
        // Another caller may have moved on already.
        if (this.current === current) this.current = (current + 1) % this.addresses.length;
      }
    }
    const names = this.addresses.join(", ");
    const problem = failure instanceof Error ? failure.message : String(failure);
    throw new ClientError("no_name_server", `no name server (${names}) answers: ${problem}`, {
      cause: failure,
      retriable: true,
    });
  }

  private async ask(
    address: string,
    topic: string,
    signal?: AbortSignal,
  ): Promise<TopicRoute | null> {
    const answer = await ask(this.remoting, GET_ROUTEINFO_BY_TOPIC, {
      peer: address,
      address,
      fields: { topic, acceptStandardJsonOnly: true },
      timeoutMs: this.timeoutMs,
      ...(signal && { signal }),
    });
    if (answer.code === ResponseCode.TOPIC_NOT_EXIST) return null;
    if (answer.code !== ResponseCode.SUCCESS) {
      throw refusal(address, answer.code, answer.remark, true);
    }
    return parseRoute(answer.body);
  }
}
