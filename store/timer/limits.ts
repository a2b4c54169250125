// The timer store's own limits. Numbers only.

/** Slots of the wheel: two turns of a week at Apache's precision of a second, whatever the precision is. */
export const WEEK_SLOTS = 7 * 24 * 3600;
export const SLOT_COUNT = 2 * WEEK_SLOTS;
/** Slots of a week that are left blank between the oldest and the newest. */
export const BLANK_SLOTS = 60;

/** Slots are read and written in pages of 4 KiB. */
export const SLOTS_PER_PAGE = 128;
/** Clean pages of the wheel that are kept in memory: 2 MiB. */
export const CLEAN_PAGES_MAX = 512;
/** Changed pages above which the wheel is written before the next flush: 8 MiB. */
export const DIRTY_PAGES_MAX = 2048;

/** Stretches that the timer log is read in, and how many are kept: 4 MiB. */
export const LOG_BLOCK_BYTES = 64 * 1024;
export const LOG_BLOCKS_MAX = 64;

/** Of the timer log, the newest bytes that a clean stop sums up (2.5 million timers), and how much is read at a time. */
export const SUMMED_LOG_BYTES_MAX = 128 * 1024 * 1024;
export const SUM_PIECE_BYTES = 1024 * 1024;

/** Length of config/timercheck, of which Apache uses the first 56 bytes. */
export const TIMER_CHECK_BYTES = 4096;
