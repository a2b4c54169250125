import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { copyOf } from "./copy.ts";

test("a copy of bytes stays when what they were copied from changes, were they a Buffer or not", () => {
  for (const bytes of [Buffer.from("before"), new Uint8Array(Buffer.from("before"))]) {
    const copy = copyOf(bytes.subarray(2, 4));
    bytes.fill(0);
    expect(Buffer.from(copy).toString()).toBe("fo");
  }
});
