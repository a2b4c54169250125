// That the delay levels' offsets pass over nothing, whatever was saved when the broker died.
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { DiskError } from "../../../core/disk/disk.ts";
import { parseProperties } from "../../../core/message/properties.ts";
import { DelayOffsets } from "../../../store/schedule/delay_offsets.ts";
import { Rig } from "../simulation/rig.ts";
import { saveDelayOffsets } from "./delay_offset_saving.ts";

test("offsets beyond the end of their queue are taken back for good: what is delayed next is delivered after a kill too", async () => {
  const rig = new Rig({ flushDiskType: "ASYNC_FLUSH" });
  const beyond = new DelayOffsets(0);
  beyond.set(1, 9, 1, 0);
  rig.memory.place("/store/config/delayOffset.json", Buffer.from(beyond.encode()));
  await rig.open();
  const keys: string[] = [];
  // As many as make the queue longer than the offset says.
  for (let count = 0; count < 12; count++) keys.push((await rig.send(10, [["DELAY", "1"]]))[0]);
  rig.crash("process");
  await rig.open();
  await rig.clock.advance(2000);
  const delivered = await rig.readAll();
  expect(delivered.map(({ properties }) => parseProperties(properties).get("KEYS"))).toEqual(keys);
});

test("offsets are saved when the log that they count in is on the device, otherwise later", async () => {
  const offsets = new DelayOffsets(0);
  const said: string[] = [];
  let isFlushed = false;
  let saves = () => Promise.resolve();
  const store = {
    flush() {
      said.push("flush");
      return Promise.resolve(isFlushed);
    },
  };
  const file = {
    saveInBackground(text: string) {
      said.push(`save ${/1:\d/.exec(text)![0]}`);
      return saves();
    },
  };
  await saveDelayOffsets(offsets, file, store);
  expect(said).toEqual([]);
  offsets.set(1, 5, 1, 0);
  await saveDelayOffsets(offsets, file, store);
  expect(said).toEqual(["flush"]);
  isFlushed = true;
  saves = () => Promise.reject(new DiskError("ENOSPC", "write", "delayOffset.json"));
  await expect(saveDelayOffsets(offsets, file, store)).rejects.toThrow("ENOSPC");
  saves = () => Promise.resolve();
  await saveDelayOffsets(offsets, file, store);
  expect(said.slice(1)).toEqual(["flush", "save 1:5", "flush", "save 1:5"]);
  await saveDelayOffsets(offsets, file, store);
  expect(said).toHaveLength(5);
});
