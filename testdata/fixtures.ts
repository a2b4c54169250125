// Reads the recorded Apache 5.4.0 data for tests. The only code in testdata/; used by tests alone.
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

const root = new URL("./apache-5.4.0/", import.meta.url).pathname;

/** The absolute path of a fixture file, given relative to the fixture folder ("store/store.tar.gz"). */
export function fixturePath(relative: string): string {
  return root + relative;
}

/** The bytes of a gzipped fixture ("expected/store.json" reads expected/store.json.gz). */
export function fixtureBytes(relative: string): Buffer {
  return gunzipSync(readFileSync(`${root}${relative}.gz`));
}

export function fixtureJson<T>(relative: string): T {
  return JSON.parse(fixtureBytes(relative).toString("utf8")) as T;
}

/** The objects of a .jsonl fixture ("wire/json/producerSync.jsonl"). */
export function fixtureLines<T>(relative: string): T[] {
  return fixtureBytes(relative).toString("utf8").split("\n").filter((line) => line !== "").map((
    line,
  ) => JSON.parse(line) as T);
}

/** The files of a tar.gz fixture by their path below the archive's top folder. */
export function fixtureArchive(relative: string): Map<string, Buffer> {
  return untar(gunzipSync(readFileSync(`${root}${relative}`)));
}

function untar(bytes: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0;) {
    const name = text(bytes, at, 100);
    const prefix = text(bytes, at + 345, 155);
    const size = parseInt(text(bytes, at + 124, 12).trim() || "0", 8);
    const kind = String.fromCharCode(bytes[at + 156]!);
    const path = prefix === "" ? name : `${prefix}/${name}`;
    if (kind === "0" || kind === "\0") {
      files.set(path.replace(/^(\.\/)?[^/]+\//, ""), bytes.subarray(at + 512, at + 512 + size));
    }
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

function text(bytes: Buffer, at: number, length: number): string {
  const end = bytes.indexOf(0, at);
  return bytes.toString("latin1", at, Math.min(end < 0 ? at + length : end, at + length));
}
