// Every limit of the core, by name and with its unit. A component's own limits may be lowered by its options.

export const KIB = 1024;
export const MIB = 1024 * KIB;

/** Largest frame in or out, including its 4-byte length (Apache: com.rocketmq.remoting.frameMaxLength). */
export const FRAME_BYTES_MAX = 16 * MIB;
/** Largest header that is decoded. Properties travel in it, so it is far above any sane one. */
export const HEADER_BYTES_MAX = 1 * MIB;
/** Unfinished frames up to this size are put together without asking for room. */
export const FRAME_ASSEMBLY_FREE_BYTES = 16 * KIB;
/** Assembly buffers of all larger unfinished frames of a server; past it connections wait unread. */
export const FRAMES_ASSEMBLED_BYTES_MAX = 128 * MIB;
/** What connections that wait for such room had already read; past it the next one is closed. */
export const FRAMES_WAITING_BYTES_MAX = 128 * MIB;
/** While others wait for room, a frame that grew by less between two sweeps (10 s) is given up. */
export const FRAME_ASSEMBLY_BYTES_PER_SWEEP_MIN = 64 * KIB;
/** Properties of one record: their length is a signed 16-bit number on disk. */
export const PROPERTIES_BYTES_MAX = 32767;
export const TOPIC_BYTES_MAX = 127;
/** Bytes of requests handled in one burst before answers are written. */
export const BURST_BYTES_MAX = 1 * MIB;
/** Unsent answer bytes on a connection above which its reading is paused, and below which it resumes. */
export const CONNECTION_UNSENT_BYTES_HIGH = 4 * MIB;
export const CONNECTION_UNSENT_BYTES_LOW = 1 * MIB;
/** Unsent bytes above which a connection is closed: answers and pushes piled up for a peer that doesn't read. */
export const CONNECTION_UNSENT_BYTES_MAX = 64 * MIB;
/** Connections that say nothing for this long are closed. */
export const CONNECTION_IDLE_MS_MAX = 120_000;
export const CONNECTIONS_MAX = 10_000;
/** Requests that asynchronous handlers of one server may be working on; more are answered SYSTEM_BUSY. */
export const ASYNC_REQUESTS_MAX = 100_000;
/** Own requests on one connection that may wait for their answers. */
export const PENDING_ANSWERS_MAX = 65_536;
/** What a first-bytes hook (TLS, PROXY protocol) may wait for before a connection is closed. */
export const FIRST_BYTES_MAX = 4 * KIB;
export const FIRST_BYTES_MS_MAX = 10_000;
/** How long a stopping server waits for answers that are due and for peers to take them. */
export const SERVER_STOP_MS_MAX = 5_000;
/** Unsent bytes on a client's connection above which further calls are refused. */
export const CLIENT_UNSENT_BYTES_MAX = 32 * MIB;
/** Defaults of a client's calls: Apache's connectTimeoutMillis and its usual request time-out. */
export const CLIENT_CONNECT_MS_MAX = 3_000;
export const CLIENT_TIMEOUT_MS = 3_000;
