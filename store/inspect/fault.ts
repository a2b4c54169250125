// What an inspection of a store can find, in words for people and names for machines. Data only.

export type FaultKind =
  | "log_file"
  | "log_unreadable"
  | "log_tail"
  | "record_suspect"
  | "queue_file"
  | "queue_missing"
  | "queue_stale"
  | "queue_wrong"
  | "index_file"
  | "index_missing"
  | "index_wrong"
  | "index_slots"
  | "checkpoint"
  | "config_file"
  | "timer_file"
  | "folder";

export interface Fault {
  kind: FaultKind;
  /** A path below the store's root, or a queue as TOPIC/ID. */
  place: string;
  detail: string;
  /** Offset in the log where it begins, when it has one; −1 otherwise. */
  offset: number;
  /** What `store repair` does about it; null when nothing can be done. */
  repair: RepairStep | null;
}

/** One change that a repair makes. Files that it takes away are kept aside. */
export type RepairStep =
  /** Take the files away and make the queue again from the log. */
  | { step: "rebuild_queue"; topic: string; queueId: number; directory: string }
  /** Take all index files away and make them again from the log. */
  | { step: "rebuild_index" }
  /** Cut the log: what stands behind this offset is kept aside. */
  | { step: "cut_log"; offset: number }
  /** Put the backup in the place of a damaged file. */
  | { step: "restore_config"; path: string }
  /** Take a file away that the next start makes again. */
  | { step: "set_aside"; path: string }
  /** Take the checkpoint away: the log is then read from its beginning. */
  | { step: "drop_checkpoint" };

export interface Findings {
  /** Called for each fault as it is found; no fault is kept in memory. */
  fault(fault: Fault): void;
  /** What is worth knowing and no damage. */
  note(text: string): void;
}

/** How far an inspection is: from 0 to 1, and with what. */
export type ProgressListener = (done: number, what: string) => void;
