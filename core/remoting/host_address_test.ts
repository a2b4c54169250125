import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { isIP } from "node:net";
import fc from "fast-check";
import { parseHostAndPort, parseIpAddress } from "./host_address.ts";

function hexOf(text: string): string | null {
  return parseIpAddress(text)?.toString("hex") ?? null;
}

test("addresses become 4 or 16 bytes", () => {
  expect(hexOf("192.0.2.255")).toBe("c00002ff");
  expect(hexOf("::1")).toBe("00000000000000000000000000000001");
  expect(hexOf("::")).toBe("00000000000000000000000000000000");
  expect(hexOf("2001:db8::8a2e:370:7334")).toBe("20010db80000000000008a2e03707334");
  expect(hexOf("1:2:3:4:5:6:7:8")).toBe("00010002000300040005000600070008");
  expect(hexOf("fe80::1%eth0")).toBe("fe800000000000000000000000000001");
  expect(hexOf("64:ff9b::192.0.2.33")).toBe("0064ff9b0000000000000000c0000221");
});

test("an IPv4-mapped address becomes the IPv4 one", () => {
  expect(hexOf("::ffff:127.0.0.1")).toBe("7f000001");
  expect(hexOf("::ffff:7f00:1")).toBe("7f000001");
});

test("what is no address gives null", () => {
  for (
    const text of [
      "",
      "localhost",
      "1.2.3",
      "1.2.3.256",
      "1.2.3.4.5",
      "1::2::3",
      ":1",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "12345::",
      "1.2.3.4:5::",
      "g::",
    ]
  ) {
    expect([text, hexOf(text)]).toEqual([text, null]);
  }
});

test("any IPv6 address is read as the runtime itself takes it", () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV6(), fc.string({ maxLength: 20 })), (text) => {
      if (text.includes("%")) return;
      expect(parseIpAddress(text) !== null).toBe(isIP(text) !== 0);
    }),
  );
});

test("host and port are told apart", () => {
  expect(parseHostAndPort("127.0.0.1:9876")).toEqual({ host: "127.0.0.1", port: 9876 });
  expect(parseHostAndPort("broker-a.example:1")).toEqual({ host: "broker-a.example", port: 1 });
  expect(parseHostAndPort("[::1]:80")).toEqual({ host: "::1", port: 80 });
  for (const text of ["", ":1", "host", "host:", "host:x", "host:65536", "[]:1"]) {
    expect(parseHostAndPort(text)).toBe(null);
  }
  expect(Buffer.from(parseIpAddress("0.0.0.0")!).length).toBe(4);
});
