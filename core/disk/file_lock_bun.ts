// POSIX record locks through libc's lockf, which Java's broker honours. Three fixed-arity calls, nothing else;
// where the library can't be loaded there are no locks rather than an error.
import { dlopen, FFIType, ptr } from "bun:ffi";
import { Buffer } from "node:buffer";
import { type FileLock, type FileLocks, noFileLocks } from "./file_lock.ts";

const LIBRARIES = [
  "libc.so.6",
  "libSystem.B.dylib",
  "libc.musl-x86_64.so.1",
  "libc.musl-aarch64.so.1",
];
const READ_WRITE = 2;
const UNLOCK = 0;
const TRY_LOCK = 2;
const LOCKED_BYTES = 1n;

function load(name: string) {
  return dlopen(name, {
    open: { args: [FFIType.ptr, FFIType.i32], returns: FFIType.i32 },
    lockf: { args: [FFIType.i32, FFIType.i32, FFIType.i64], returns: FFIType.i32 },
    close: { args: [FFIType.i32], returns: FFIType.i32 },
  }).symbols;
}

type Calls = ReturnType<typeof load>;

function loadAny(): Calls | null {
  for (const name of LIBRARIES) {
    try {
      return load(name);
    } catch {
      // Not this system's name for it.
    }
  }
  return null;
}

function tryLock(calls: Calls, path: string): FileLock | "held_by_other" {
  const descriptor = calls.open(ptr(Buffer.from(`${path}\0`, "utf8")), READ_WRITE);
  if (descriptor < 0) return { excludesOthers: false, release() {} };
  if (calls.lockf(descriptor, TRY_LOCK, LOCKED_BYTES) !== 0) {
    calls.close(descriptor);
    return "held_by_other";
  }
  return {
    excludesOthers: true,
    release() {
      calls.lockf(descriptor, UNLOCK, LOCKED_BYTES);
      calls.close(descriptor);
    },
  };
}

export function openBunFileLocks(): FileLocks {
  const calls = loadAny();
  return calls === null ? noFileLocks : { tryLock: (path) => tryLock(calls, path) };
}
