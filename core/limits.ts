// Every limit of the core, by name and with its unit. A component's own limits may be lowered by its options.

export const KIB = 1024;
export const MIB = 1024 * KIB;

/** Largest frame in or out, including its 4-byte length (Apache: com.rocketmq.remoting.frameMaxLength). */
export const FRAME_BYTES_MAX = 16 * MIB;
/** Largest header that is decoded. Properties travel in it, so it is far above any sane one. */
export const HEADER_BYTES_MAX = 1 * MIB;
/** Properties of one record: their length is a signed 16-bit number on disk. */
export const PROPERTIES_BYTES_MAX = 32767;
export const TOPIC_BYTES_MAX = 127;
/** Bytes of requests handled in one burst before answers are written. */
export const BURST_BYTES_MAX = 1 * MIB;
/** Unsent answer bytes on a connection above which its reading is paused, and below which it resumes. */
export const CONNECTION_UNSENT_BYTES_HIGH = 4 * MIB;
export const CONNECTION_UNSENT_BYTES_LOW = 1 * MIB;
/** Connections that say nothing for this long are closed. */
export const CONNECTION_IDLE_MS_MAX = 120_000;
export const CONNECTIONS_MAX = 10_000;
