// Limits of the broker that no configuration key sets, by name and with their units.

/** Pulls held at a time; a further one is answered at once, as if its time were up. */
export const PULLS_HELD_MAX = 100_000;
/** How long the start and a send that made a topic wait for the name servers to hear of it. */
export const REGISTRATION_WAIT_MS_MAX = 1_000;
/** How long a stopping broker waits for each name server to take it out. */
export const UNREGISTRATION_MS_MAX = 1_000;
/** How long a client has to take a reply that is pushed to it (Broker2Client's ten seconds). */
export const PUSH_REPLY_TIMEOUT_MS = 10_000;
