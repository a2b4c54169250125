// The client's limits, defaults and periods, by name and with their unit. Those that an option
// changes are its default; Apache's client has the same figures unless a comment says otherwise.
import { MIB } from "../limits.ts";

/** Largest body (and batch) a producer sends (maxMessageSize). */
export const MESSAGE_BYTES_MAX = 4 * MIB;
export const SEND_TIMEOUT_MS = 3_000;
/** Further attempts after the first (retryTimesWhenSendFailed). */
export const SEND_RETRIES = 2;
/**
 * Sends of one producer that are on their way. Apache's broker refuses what waits for more than
 * 200 ms in its queue, so that far more than this are refused by a slow one.
 */
export const SENDS_IN_FLIGHT_MAX = 2_048;
/** Bytes of their bodies: well below what a connection may have unsent. */
export const SENDS_IN_FLIGHT_BYTES_MAX = 16 * MIB;
/** Sends that wait for a place among those; more are refused. */
export const SENDS_WAITING_MAX = 262_144;
/** Queues of a topic that is created by sending to it (defaultTopicQueueNums). */
export const AUTO_CREATE_QUEUES = 4;

export const ROUTE_POLL_MS = 30_000;
export const HEARTBEAT_MS = 30_000;
export const REBALANCE_MS = 20_000;
/** First wait after a rebalance that could not see all it needs; doubles up to the period. */
export const REBALANCE_RETRY_MS = 1_000;
export const OFFSET_COMMIT_MS = 5_000;
/** Calls to name servers and brokers other than sends and pulls. */
export const REQUEST_TIMEOUT_MS = 3_000;

/** How long a broker may hold a pull (brokerSuspendMaxTimeMillis), and how long we wait for it. */
export const PULL_HOLD_MS = 15_000;
export const PULL_TIMEOUT_MS = 30_000;
export const PULL_BATCH_SIZE = 32;
/** Waits after a pull that failed, and after one that the broker was too busy for. */
export const PULL_ERROR_WAIT_MS = 3_000;
export const PULL_BUSY_WAIT_MS = 20;
/** Wait after telling a broker, which was restarted perhaps, what we subscribe to. */
export const PULL_UNKNOWN_WAIT_MS = 100;

/** The same of lite pull consumers, and how they poll and commit. */
export const LITE_PULL_HOLD_MS = 20_000;
export const LITE_PULL_BATCH_SIZE = 10;
export const LITE_MESSAGES_MAX = 10_000;
export const POLL_TIMEOUT_MS = 5_000;
export const AUTO_COMMIT_MS = 5_000;
export const AUTO_COMMIT_MS_MIN = 1_000;

/** Flow control of one queue: messages, bytes of bodies, and distance of offsets. */
export const QUEUE_MESSAGES_MAX = 1_000;
export const QUEUE_BYTES_MAX = 100 * MIB;
export const QUEUE_SPAN_MAX = 2_000;

/** Listener calls of one consumer at a time. */
export const CONSUME_CONCURRENCY = 20;
export const CONSUME_TIMEOUT_MS = 15 * 60_000;
/** When a message comes again whose listener took longer. */
export const OVERDUE_DELAY_LEVEL = 3;
/** Deliveries of a message before its DLQ. */
export const RECONSUME_TIMES_MAX = 16;
/** Deliveries of an orderly consumer's message when none are given: for ever. */
export const ORDERLY_RECONSUME_TIMES_MAX = 2 ** 31 - 1;
/** How long an orderly queue rests before what failed comes again, and the bounds of that. */
export const SUSPEND_MS = 1_000;
export const SUSPEND_MS_MIN = 10;
export const SUSPEND_MS_MAX = 30_000;
/** Orderly queues' locks: how often they are renewed, and how long they are trusted without. */
export const LOCK_RENEW_MS = 20_000;
export const LOCK_TRUST_MS = 30_000;
/** How soon a lock that is in doubt, or held by another member, is asked for again. */
export const LOCK_RETRY_MS = 500;
export const LOCK_TIMEOUT_MS = 3_000;
/** How long a queue that goes to another member waits for its running listener. */
export const HAND_OVER_MS_MAX = 20_000;
/** Time-out of sending a message back. */
export const SEND_BACK_TIMEOUT_MS = 5_000;
/** Wait before a message that could not be sent back is consumed again here. */
export const RECONSUME_HERE_MS = 5_000;
/** How long a closing consumer waits for listeners that run. Apache: 0. */
export const CONSUMER_CLOSE_MS = 5_000;
/** Running listener calls that are described to an operator. */
export const RUNNING_CALLS_LISTED_MAX = 200;
/** Messages handled in one turn before the event loop goes on. */
export const CONSUME_BURST = 256;

/** A consumer without a start timestamp begins half an hour ago (consumeTimestamp). */
export const CONSUME_TIMESTAMP_AGO_MS = 30 * 60_000;

/** Answers to brokers' questions about transactions that are worked out at a time. */
export const CHECKS_AT_A_TIME_MAX = 16;
/** Questions that wait for that (checkRequestHoldMax); the broker repeats what is dropped. */
export const CHECKS_WAITING_MAX = 2_000;

/** Message traces: events of one trace message, its bytes, how long the first event waits. */
export const TRACE_RECORDS_MAX = 100;
export const TRACE_BODY_BYTES_MAX = 128_000;
export const TRACE_FLUSH_MS = 5_000;
export const TRACE_SEND_TIMEOUT_MS = 5_000;
/** Further events are lost. */
export const TRACES_WAITING_MAX = 2_048;

/** Asking brokers that couldn't be reached (detectInterval, detectTimeout). */
export const DETECT_INTERVAL_MS = 2_000;
export const DETECT_TIMEOUT_MS = 200;

/** Automatic batches: their bytes, how long the first message waits, bytes of all that wait. */
export const AUTO_BATCH_BYTES = 32 * 1024;
export const AUTO_BATCH_WAIT_MS = 10;
export const AUTO_BATCH_WAITING_BYTES_MAX = 32 * MIB;

/** A popped message is nobody else's for so long, unless the program says otherwise. */
export const POP_INVISIBLE_MS = 60_000;
export const POP_INVISIBLE_MS_MIN = 1_000;
/** A broker holds a pop for so long while there is nothing. */
export const POP_HOLD_MS = 15_000;
/** The most that a broker gives with one pop. */
export const POP_BATCH_SIZE_MAX = 32;
/** A pop's answer may take so much longer than it is held. */
export const POP_ANSWER_MARGIN_MS = 5_000;
/** Wait after a pop that failed. */
export const POP_ERROR_WAIT_MS = 1_000;
/** A message whose handler failed comes again after so long. */
export const POP_RETRY_MS = 10_000;
/** After this share of its time a message whose handler still runs gets it anew. */
export const POP_RENEW_SHARE = 0.6;
