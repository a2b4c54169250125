// Every limit of the key index, by name and with its unit.

/** The items' tail begins with this many items (80 KB) … */
export const TAIL_ITEMS_MIN = 4096;
/** … and doubles up to this (1.25 MB); a fuller one is written at once. */
export const TAIL_ITEMS_MAX = TAIL_ITEMS_MIN << 4;
/** How long items may be in memory only. */
export const WRITE_DELAY_MS = 50;
/** Without a put for this long, changed slots are written back too. */
export const QUIET_MS = 1000;
/** Changed slots are written in runs of at most this many bytes. */
export const SLOT_SLICE_BYTES = 256 * 1024;
/**
 * A sync writes the changed slots too when this share of a file's items came since they were durable (2 of 20
 * million): so many are read again after a crash, besides those since the last checkpoint.
 */
export const SLOTS_DUE_RATIO = 1 / 10;
/** How long one round of writing slots may hold the event loop. */
export const SLOT_BUDGET_MS = 4;
/** Changed slots are remembered by pages of 2^10 slots (4 KB). */
export const SLOT_PAGE_BITS = 10;
export const SLOTS_PER_PAGE = 1 << SLOT_PAGE_BITS;
/** The next file's table is made ready from this share of a file on … */
export const PREPARE_FROM_RATIO = 7 / 8;
/** … this many pages at a time. */
export const PREPARE_PAGES = 512;
/** Items that one look-up follows in one file. */
export const CHAIN_ITEMS_MAX = 1_000_000;
/** Items read at a time when slots are rebuilt. */
export const REBUILD_ITEMS = 50_000;
/** Wait before a write that failed is tried again. */
export const RETRY_MS = 1000;
