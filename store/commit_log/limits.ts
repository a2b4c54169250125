// The limits of the log's reads beside sends, and of its syncs. Numbers only.

/** So many times as long as the broker was kept waiting for a core between two cold reads, the next one waits. */
export const PAUSE_PER_CORE_WAIT = 10;
/** A machine that others keep busy still lets a cold read begin after this. */
export const PAUSE_MS_MAX = 20;
/** Timers count whole ms: what is shorter is added to the next pause. */
export const PAUSE_MS_MIN = 1;
/** After a pause so many cold reads go past the page cache: filling it costs more of a core than all the rest of them. */
export const UNCACHED_READS_AFTER_PAUSE = 32;
/** One read in so many still fills it, and tells whether it has by now what is read. */
export const READS_PER_CACHED_READ = 16;

/** What a handful of senders brings: with more of them the event loop has the next burst to take during a sync. */
export const LOOP_SYNC_BYTES_MAX = 8 * 1024;
/** So many syncs in a row must have been quick before one is done on the event loop. */
export const QUICK_SYNCS_MIN = 32;
/** A quick sync through the pool, the way there and back included. */
export const QUICK_POOL_SYNC_MS = 0.5;
/** A sync on the event loop that took longer than this is the last there for a while. */
export const QUICK_LOOP_SYNC_MS = 2;
/** A mean turn of a loop with a handful of senders takes half of it; of one that serves readers of a backlog, more. */
export const LOOP_SYNC_TURN_MS_MAX = 0.04;
/** So many syncs in a row must have been of one sender's alone before one goes without waiting for others. */
export const LONE_SYNCS_MIN = 64;
/** One in so many waits still, and sees whether others are there by now. */
export const LONE_SYNCS_PER_GATHERED = 8;
