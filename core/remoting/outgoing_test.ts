import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { BlockPool, Outgoing, OUTGOING_BLOCK_BYTES } from "./outgoing.ts";
import { TestSocket } from "./testing_socket.ts";

type Step =
  | { kind: "write"; length: number; spare: number }
  | { kind: "push"; length: number }
  | { kind: "flush"; room: number };

const anyLength = fc.oneof(
  fc.nat(300),
  fc.nat(20_000),
  fc.constantFrom(OUTGOING_BLOCK_BYTES, OUTGOING_BLOCK_BYTES + 1, 200_000),
);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("write" as const), length: anyLength, spare: fc.nat(100) }),
  fc.record({ kind: fc.constant("push" as const), length: anyLength }),
  fc.record({ kind: fc.constant("flush" as const), room: fc.oneof(fc.nat(70_000), anyLength) }),
);

function patterned(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = (seed * 31 + i) & 0xff;
  return bytes;
}

for (const writeCopies of [true, false]) {
  const kind = writeCopies ? "copied" : "kept";
  test(`whatever is queued leaves in order under any partial writes (bytes are ${kind})`, () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 40 }), (steps) => {
        const pool = new BlockPool();
        const queues = [new Outgoing(pool), new Outgoing(pool)];
        const sockets = [new TestSocket(writeCopies), new TestSocket(writeCopies)];
        const expected: Buffer[][] = [[], []];
        steps.forEach((step, n) => {
          // Two connections share a pool: one must not write over the other's bytes.
          const outgoing = queues[n % 2]!;
          const socket = sockets[n % 2]!;
          if (step.kind === "flush") {
            socket.room = step.room;
            outgoing.flush(socket);
            return;
          }
          const bytes = patterned(step.length, n);
          expected[n % 2]!.push(bytes);
          if (step.kind === "push") return outgoing.push(Buffer.from(bytes));
          const { buffer, start } = outgoing.reserve(step.length + step.spare);
          bytes.copy(buffer, start);
          outgoing.commit(step.length);
        });
        queues.forEach((outgoing, n) => {
          const whole = Buffer.concat(expected[n]!);
          expect(outgoing.unsentBytes).toBe(whole.length - sockets[n]!.sent.length);
          sockets[n]!.room = Infinity;
          expect(outgoing.flush(sockets[n]!)).toBe(true);
          expect(outgoing.unsentBytes).toBe(0);
          expect(sockets[n]!.sent.equals(whole)).toBe(true);
        });
      }),
    );
  });
}

test("many small answers leave in one write", () => {
  const outgoing = new Outgoing(new BlockPool());
  const socket = new TestSocket();
  for (let n = 0; n < 64; n++) outgoing.push(patterned(150, n));
  outgoing.flush(socket);
  expect(socket.writes).toBe(1);
});

test("a large body is handed on without a copy", () => {
  const outgoing = new Outgoing(new BlockPool());
  const socket = new TestSocket(false);
  const body = patterned(1_000_000, 1);
  outgoing.push(patterned(100, 2));
  outgoing.push(body);
  outgoing.flush(socket);
  body[999_999] = 0x5a;
  expect(socket.sent[100 + 999_999]).toBe(0x5a);
  expect(socket.writes).toBe(2);
});

test("blocks are used again by whoever needs one next", () => {
  const pool = new BlockPool();
  const socket = new TestSocket();
  const first = new Outgoing(pool);
  const { buffer } = first.reserve(100);
  first.commit(100);
  first.flush(socket);
  expect(new Outgoing(pool).reserve(100).buffer).toBe(buffer);
});

test("a block isn't used again while the socket keeps its bytes", () => {
  const pool = new BlockPool();
  const first = new Outgoing(pool);
  const { buffer, start } = first.reserve(100);
  first.commit(100);
  first.flush(new TestSocket(false));
  const next = first.reserve(100);
  expect(next.buffer === buffer ? next.start : 100).toBeGreaterThanOrEqual(start + 100);
});
