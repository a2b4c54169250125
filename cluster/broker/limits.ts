// Limits of the broker that no configuration key sets, by name and with their units.

/** Pulls held at a time; a further one is answered at once, as if its time were up. */
export const PULLS_HELD_MAX = 100_000;
/** How long a send waits for name servers to hear of a topic that it made. */
export const TOPIC_REGISTRATION_WAIT_MS_MAX = 1_000;
