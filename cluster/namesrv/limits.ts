// The name server's own limits, each with its unit.
import { KIB, MIB } from "../../core/limits.ts";

/** A compressed registration after inflating: some 400 000 topics. */
export const REGISTRATION_BYTES_MAX = 64 * MIB;
/** Where in a body the two data versions are looked for before it is parsed. */
export const BODY_HEAD_BYTES_MAX = 4 * KIB;
/** KV items: each changed one rewrites the file. */
export const KV_ITEMS_MAX = 100_000;
export const KV_ITEM_BYTES_MAX = 64 * KIB;
/** How long a notice to a broker may take to connect and leave. */
export const NOTICE_TIMEOUT_MS = 300;
