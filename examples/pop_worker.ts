// Workers that take long or unequal time: a pop consumer gives each worker the next message from
// whichever queue has one, keeps it hidden from the others while it is worked on, and gives it to
// somebody else when its work fails.
//   NAMESRV_ADDR=127.0.0.1:9876 bun examples/pop_worker.ts
import process from "node:process";
import { PopConsumer, Producer } from "../mod.ts";

const PICTURES = ["cat", "dog", "broken", "bird"];

export async function run(nameServers: string, print: (line: string) => void): Promise<void> {
  await using producer = await Producer.open({ nameServers, group: "uploads" });
  for (const picture of PICTURES) await producer.send({ topic: "Pictures", body: picture });

  await using consumer = await PopConsumer.open({ nameServers, group: "thumbnail-makers" });
  const done = new Map<string, number>();
  const finished = new AbortController();
  await consumer.consume("Pictures", (message) => {
    const picture = message.text();
    // The first attempt at this one fails, and it comes again after retryMs.
    if (picture === "broken" && message.reconsumeTimes === 0) throw new Error("out of memory");
    done.set(picture, message.reconsumeTimes + 1);
    if (done.size === PICTURES.length) finished.abort();
  }, { concurrency: 2, retryMs: 1_000, signal: finished.signal });
  for (const picture of PICTURES) print(`${picture}: done at attempt ${done.get(picture)}`);
}

if (import.meta.main) await run(process.env.NAMESRV_ADDR ?? "127.0.0.1:9876", console.log);
