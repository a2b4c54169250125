// The timer service's own limits. Numbers only.

/** Records that are read, put into the wheel or delivered at a time, and their bytes. */
export const BATCH_RECORDS_MAX = 1024;
export const BATCH_BYTES = 1024 * 1024;
/** Records that lie so near to each other in the log are read together, up to so many bytes. */
export const RUN_GAP_BYTES_MAX = 4 * 1024;
export const RUN_BYTES_MAX = 64 * 1024 - 1;
/** Room for records that wait to be put, and how much of it is kept between two slots. */
export const ARENA_CHUNK_BYTES = 1024 * 1024;
export const ARENA_CHUNKS_KEPT = 4;
/** Messages of one put, which is stored as a unit. */
export const PUT_MESSAGES_MAX = 64;
/** Puts of one turn of the event loop: more would let consumers wait, fewer cost a write and an answer each. */
export const GROUPS_PER_TURN = 4;
/** Wait before what the disk refused is tried again. */
export const RETRY_DELAY_MS = 100;
/** Longest sleep between two looks at the wall clock, which may be moved meanwhile. */
export const SLEEP_MS_MAX = 1_000;
/** A read that took longer wasn't in the page cache: those after it are asynchronous. */
export const SLOW_READ_MS = 0.5;
/** How many they are, before the cache is tried again. */
export const SLOW_READS = 512;
/** Between two looks for timer log files whose messages are gone. */
export const CLEAN_INTERVAL_MS = 30_000;
/** A slot with this many messages is read before it is due, from this share of its tick on, up to as many bytes. */
export const PREPARE_MESSAGES_MIN = 256;
export const PREPARE_TICK_SHARE = 0.3;
export const PREPARED_BYTES_MAX = 16 * 1024 * 1024;
