// Makes views of records as short-lived as they are at worst: other records come to their memory as soon as the turn is
// over that got them. Whoever looks at one later, or kept one for a copy, sees it at once. Used by tests alone.
import { Buffer } from "node:buffer";
import { systemClock } from "../core/time/system_clock.ts";
import type { MessageStore, RecordView } from "./message_store.ts";

const SPOILED = 0x7b;

/** Gives the same store. */
export function spoilViews<S extends Pick<MessageStore, "read" | "readHot">>(store: S): S {
  const readHot = store.readHot.bind(store);
  const read = store.read.bind(store);
  store.readHot = (physicalOffset, size) => spoiledLater(readHot(physicalOffset, size));
  store.read = async (physicalOffset, size) => spoiledLater(await read(physicalOffset, size));
  return store;
}

function spoiledLater(view: RecordView | null): RecordView | null {
  if (view === null) return null;
  const { buffer, size, start } = view;
  const bytes = Buffer.from(buffer.subarray(start, start + size));
  systemClock.endOfTurn(() => void bytes.fill(SPOILED));
  return { buffer: bytes, start: 0, size };
}
