// Limits of queries, by name and with their units.
import { FRAME_BYTES_MAX, KIB } from "../../../core/limits.ts";

/** Records in one answer: what a frame holds beside its header. Apache has no limit and sends frames nobody takes. */
export const QUERY_BYTES_MAX = FRAME_BYTES_MAX - 64 * KIB;
/** Queue entries in one answer. */
export const QUEUE_ENTRIES_MAX = 65_536;
