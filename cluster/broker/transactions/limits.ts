// Limits of transactions that no configuration key sets, by name and with their units.

/** Longest that one look at undecided messages goes on before the rest waits for the next one (Apache's). */
export const CHECK_ROUND_MS_MAX = 60_000;
/** Messages that are put back, and asked about, as one unit. */
export const CHECK_BATCH_MESSAGES_MAX = 64;
export const CHECK_BATCH_BYTES_MAX = 1024 * 1024;
/** Half messages that are looked at before the event loop gets its turn. */
export const LOOKS_PER_TURN_MAX = 256;
/** Wait before decisions that couldn't be written are tried again. */
export const OP_RETRY_MS = 1_000;
/** A batch of decisions begins so large and doubles. */
export const STATES_BYTES_MIN = 1024;
/** Messages of one unique key that are looked at in the index. */
export const TRACES_MAX = 32;
/** The queue count of the topic of given-up messages (Java: TCMT_QUEUE_NUMS). */
export const GIVEN_UP_QUEUE_COUNT = 1;
/** A producer with more unsent bytes is asked only when there is no other one. */
export const ASKED_UNSENT_BYTES_MAX = 1024 * 1024;
/** Transactions remembered that were ended after they had been given up. */
export const LATE_ENDS_MAX = 10_000;
/** Rounds that wait for a half message which the disk doesn't give; then it is left out. */
export const UNREADABLE_ROUNDS_MAX = 3;
