// The limits of the log's reads beside sends. Numbers only.

/** So many times as long as the broker was kept waiting for a core between two cold reads, the next one waits. */
export const PAUSE_PER_CORE_WAIT = 3;
/** A machine that others keep busy still lets a cold read begin after this. */
export const PAUSE_MS_MAX = 20;
/** Timers count whole ms: what is shorter is added to the next pause. */
export const PAUSE_MS_MIN = 1;
/** After a pause so many cold reads go past the page cache: filling it costs more of a core than all the rest of them. */
export const UNCACHED_READS_AFTER_PAUSE = 32;
/** One read in so many still fills it, and tells whether it has by now what is read. */
export const READS_PER_CACHED_READ = 16;
