// Why a known key has no effect here: one sentence each, shared by the tables and printed in docs/CONFIG.md.
// Each reads on after "ignored: ".

export const NO_POOLS = "one event loop serves every request, so there are no thread pools to size";
export const IN_TURN =
  "requests are served in the turn that they are read in, none waits for a thread";
export const NO_LOCKS = "one event loop owns the store, so there are no locks to choose";
export const NO_MAPPING = "files are read and written by position, never mapped into memory";
export const NO_NETTY = "the network layer isn't Netty and has no such setting";
export const NO_ROCKSDB = "only the file store is supported, RocksDB never is";
export const NO_PLUGIN = "only the built-in store is supported";
export const NO_CONTAINER = "a process runs one broker, containers aren't supported";
export const NO_COLD_DATA = "there is no cold-data flow control";
export const REPLICATION = "replication isn't implemented yet";
export const CONTROLLER = "controller mode isn't implemented yet";
export const DLEDGER = "DLedger groups aren't implemented yet";
export const ACTING_MASTER = "slave acting as master isn't implemented yet";
export const POP = "POP consuming isn't implemented yet";
export const TIMER_COUNTS = "counts are exact for as long as the broker runs, and need no check";
export const FILTER = "filters run when messages are pulled; nothing is computed ahead of that";
export const METRICS = "the metrics endpoint isn't implemented yet";
export const COMPACTION = "compacted topics aren't implemented yet";
export const SHARED_DISK = "the use of the whole disk counts, whoever shares it";
export const QUEUES_FOLLOW = "every queue is corrected as soon as the log's beginning has moved";
export const CONSUME_QUEUE_EXT = "a bit map is as long as the filters of consumerFilter.json need";
export const MULTI_DISPATCH =
  "light queues are bounded by memory alone, and counted as other topics are";
export const AUTH = "users and policies aren't implemented yet; switching them on is refused";
export const TLS = "TLS isn't implemented yet";
export const APACHE_UNUSED = "Apache 5.4.0 doesn't read it either";
export const ALWAYS_SO = "Roquet always behaves as it does by default";
export const ADDRESS_SERVER = "name servers come from namesrvAddr only";
export const LOGS = "logging is set by the command line";
