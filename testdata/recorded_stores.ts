// The records of the recorded Apache stores, each beside what Apache's own decoder said of it. For tests of records and stores.
import { Buffer } from "node:buffer";
import { fixtureArchive, fixtureJson } from "./fixtures.ts";

/** One record in fixtures/expected. */
export interface ExpectedRecord {
  phyOffset: number;
  size: number;
  kind: "message" | "blank" | "undecodable";
  magic: string;
  bodyCRC: number;
  topic: string;
  queueId: number;
  flag: number;
  queueOffset: number;
  decodedPhyOffset: number;
  sysFlag: number;
  bornTimestamp: number;
  bornHost: string;
  storeTimestamp: number;
  storeHost: string;
  reconsumeTimes: number;
  preparedTransactionOffset: number;
  bodyLength: number;
  bodySha256: string;
  msgId: string;
  offsetMsgId: string;
  properties: Record<string, string>;
  propertiesRaw: string;
  tagsHash?: number;
  compression?: string;
  plainBodyLength?: number;
  plainBodySha256?: string;
  innerNum?: string;
}

export interface RecordedStore {
  name: string;
  /** The CommitLog's files in order, as one stretch of bytes. */
  log: Buffer;
  fileBytes: number;
  records: ExpectedRecord[];
}

const STORES = [
  ["store/store.tar.gz", "store"],
  ["store-ext/store-ext.tar.gz", "store-ext"],
  ["store-crash/crash-asis.tar.gz", "crash-asis.before"],
  ["store-crash/crash-tornzero.tar.gz", "crash-tornzero.before"],
  ["store-crash/crash-tornflip.tar.gz", "crash-tornflip.before"],
] as const;

export function recordedStores(): RecordedStore[] {
  return STORES.map(([archive, expected]) => {
    const files = [...fixtureArchive(archive)]
      .filter(([path]) => path.startsWith("commitlog/"))
      .sort(([a], [b]) => a < b ? -1 : 1)
      .map(([, bytes]) => bytes);
    const { records } = fixtureJson<{ records: ExpectedRecord[] }>(`expected/${expected}.json`);
    return { name: expected, log: Buffer.concat(files), fileBytes: files[0]!.length, records };
  });
}
