// The records of a selection as the body of a POP answer: from the log's hot tail, or read from the disk first. Messages
// of retry topics are shown under the topic that was asked for, with the handle to acknowledge them by.
import { Buffer } from "node:buffer";
import { encodeProperties, parseProperties } from "../../../core/message/properties.ts";
import { PROPERTY } from "../../../core/message/property_names.ts";
import { formatReceiptHandle, type ReceiptHandle } from "../../../core/message/receipt_handle.ts";
import { decodeRecords, encodeRecord, type RecordFields } from "../../../core/message/record.ts";
import { magicFor } from "../../../core/message/record_layout.ts";
import type { RecordBytes } from "../pull/record_bytes.ts";
import type { Selection } from "../pull/selection.ts";

/** The selection's records one after the other; a promise when the disk is needed. Drops those that have left the log. */
export function readSelection(
  records: RecordBytes,
  selection: Selection,
): Buffer | Promise<Buffer> {
  const body = Buffer.allocUnsafe(selection.totalBytes);
  if (records.isHot(selection) && records.copyHot(selection, body, 0)) return body;
  return readCold(records, selection, body);
}

async function readCold(
  records: RecordBytes,
  selection: Selection,
  body: Buffer,
): Promise<Buffer> {
  const held = records.hold(selection);
  if (held !== null) {
    try {
      await Promise.all(held.map((block) => block.loading));
      if (records.copyHeld(selection, held, body, 0)) return body;
    } finally {
      records.release(held);
    }
  }
  await records.copyOneByOne(selection, body, 0);
  return body.subarray(0, selection.totalBytes);
}

/** Records of a retry topic as the consumer sees them (Java: PopMessageProcessor.popMsgFromQueue, the re-coding). */
export function asRecordsOf(
  topic: string,
  body: Buffer,
  handle: Omit<ReceiptHandle, "queueId" | "queueOffset">,
): Buffer {
  const shown = decodeRecords(body).map((record) => {
    const { queueId, queueOffset } = record;
    const properties = parseProperties(record.properties);
    if (!properties.has(PROPERTY.popCheckpoint)) {
      const text = formatReceiptHandle({ ...handle, queueId, queueOffset });
      properties.set(PROPERTY.popCheckpoint, text);
    }
    const fields: RecordFields = {
      magic: magicFor(Buffer.byteLength(topic)),
      bodyCrc: record.bodyCrc,
      queueId,
      flag: record.flag,
      queueOffset,
      physicalOffset: record.physicalOffset,
      sysFlag: record.sysFlag,
      bornTimestampMs: record.bornTimestampMs,
      bornAddress: record.bornAddress,
      bornPort: record.bornPort,
      storeTimestampMs: record.storeTimestampMs,
      storeAddress: record.storeAddress,
      storePort: record.storePort,
      reconsumeTimes: record.reconsumeTimes,
      preparedTransactionOffset: record.preparedTransactionOffset,
      body: record.body,
      topic,
      properties: encodeProperties(properties),
    };
    return encodeRecord(fields);
  });
  return Buffer.concat(shown);
}
