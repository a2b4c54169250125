// Operating Apache's RocksDB stores.
import { optional, required, row } from "../code_row.ts";

const ROCKSDB = "Roquet keeps no RocksDB store.";

export const CHECK_ROCKSDB_CQ_WRITE_PROGRESS = row({
  code: 354,
  name: "CHECK_ROCKSDB_CQ_WRITE_PROGRESS",
  doc: "Compares queues in files with those in RocksDB (body).",
  servedBy: [],
  whyNotServed: ROCKSDB,
  request: {
    topic: required("string", "Topic."),
    checkStoreTime: optional("long", "Only messages stored since then, in ms.", 0),
  },
  response: {},
});

export const EXPORT_ROCKSDB_CONFIG_TO_JSON = row({
  code: 355,
  name: "EXPORT_ROCKSDB_CONFIG_TO_JSON",
  doc: "Writes tables kept in RocksDB to JSON files, which they are here.",
  servedBy: ["broker"],
  request: {
    configType: required("string", 'topics, subscriptionGroups or consumerOffsets, joined by ";".'),
  },
  response: {},
});
