// Every limit of the consume queues, by name and with its unit.

/** A queue's unwritten tail begins with this many bytes (16 entries) … */
export const TAIL_BYTES_MIN = 320;
/** … and doubles up to this; a fuller one is written at once instead of growing. */
export const TAIL_BYTES_MAX = TAIL_BYTES_MIN << 8;
/** Freed tails kept for the next queue that needs one. */
export const TAIL_POOL_BYTES_MAX = 4 * 1024 * 1024;
/** How long a queue may be dirty before it is written … */
export const WRITE_DELAY_MS = 5;
/** … and longer by this for each queue of the last round: a write costs the same for one entry and for sixteen. */
export const WRITE_DELAY_A_QUEUE_MS = 0.2;
export const WRITE_DELAY_MS_MAX = 2000;
/** How long one round of writing may hold the event loop; the rest goes on a millisecond later. */
export const WRITE_BUDGET_MS = 4;
/** … and of the writing that a checkpoint waits for: what it takes is what a crash has to replay. */
export const SYNC_WRITE_BUDGET_MS = 8;
/** A replay keeps entries in memory up to so many bytes, looked at so often, before they are written. */
export const HELD_BYTES_MAX = 128 * 1024 * 1024;
export const HELD_LOOK_MS = 100;
/** Above so many changed queues the file system is synced as a whole, where the machine can do that. */
export const SYNC_QUEUES_MAX = 256;
/** Wait before a write that failed is tried again. */
export const WRITE_RETRY_MS = 1000;
/** A tail without appends for this long is freed; readers then use the file. */
export const TAIL_IDLE_MS = 1000;
/**
 * Queue files held open at a time; the least recently used is closed. Fewer than there are busy queues costs an open and a
 * close a write; more than the process may have is found out and halved. With those of log, index and connections a
 * broker stays below 2 048.
 */
export const DESCRIPTORS_MAX = 1536;
/** Loading queues says how far it is after so long each time; one that took as long as this, how long. */
export const LOAD_PROGRESS_MS = 5000;
export const LOAD_SAID_MS = 1000;
/**
 * From so many queues on the checkpoint says where each one ends, so that a start looks at none of them: fewer are looked
 * at in less than a second, even on a cold disk.
 */
export const QUEUE_ENDS_MIN = 4096;
/** Queues whose files are looked at behind such a start in one go, and the rest after it: some hundreds a second. */
export const SETTLED_AT_ONCE = 4;
export const SETTLE_REST_MS = 10;
/** Retention lets others have a turn after this long. */
export const RETENTION_SLICE_MS = 4;
/** First and further reads of a cursor. */
export const READ_BYTES_FIRST = 4 * 1024;
export const READ_BYTES_MAX = 16 * 1024;
/** Files at the end of a queue that are searched for its end, as many as Apache does; how much further each look is. */
export const FILES_SEARCHED_MAX = 3;
export const LOOK_FACTOR = 4;
/** What file systems allocate at a time; pieces of a file that ext4 notes beside its name: for more it takes a page. */
export const PAGE_BYTES = 4096;
export const PIECES_NOTED = 4;
/** Blocks of that size that all queues read into; a power of two. */
export const READ_BLOCKS = 32;
/** Longest hole that an appended entry may leave behind the last one, in files; a larger one is damage. */
export const GAP_FILES_MAX = 1;
/** Wrong entries on either side of a damaged one that are mended together; of more, one such stretch after the other. */
export const MEND_RUN_ENTRIES_MAX = 4096;
/** Of the log that is looked through for the records of damaged entries, each time. */
export const MEND_SCAN_BYTES_MAX = 1024 * 1024 * 1024;
/** Entries that were looked into in one run of the broker; past it damaged ones are left as they are. */
export const MENDS_REMEMBERED_MAX = 65_536;
/** Tags codes that a queue's records were seen to have; a queue with more of them is believed whatever it says. */
export const KNOWN_TAGS_MAX = 256;
