// Addresses: as Java prints them, read in all the spellings that configurations use, never guessed.
import { Buffer } from "node:buffer";
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatAddress, formatHost, parseAddress, parseHost } from "./host_address.ts";

describe("an address", () => {
  test("is printed as Java prints it", () => {
    expect(formatHost(Uint8Array.of(127, 0, 0, 1), 10911)).toBe("127.0.0.1:10911");
    expect(formatHost(parseAddress("::1")!, 10911)).toBe("[0:0:0:0:0:0:0:1]:10911");
    expect(formatAddress(parseAddress("2001:db8::FF:fe00:1")!)).toBe("2001:db8:0:0:0:ff:fe00:1");
    expect(formatHost(parseAddress("::ffff:192.0.2.7")!, 9)).toBe("192.0.2.7:9");
  });

  test("comes back from its print", () => {
    const anyAddress = fc.constantFrom(4, 16).chain((length) =>
      fc.uint8Array({ minLength: length, maxLength: length })
    );
    fc.assert(fc.property(anyAddress, fc.nat(65535), (address, port) => {
      const host = parseHost(formatHost(address, port));
      expect(host?.port).toBe(port);
      expect(Buffer.from(host!.address)).toEqual(Buffer.from(address));
    }));
  });

  test("is read in brackets, plain, shortened and with a scope", () => {
    const loopback = Buffer.from("00000000000000000000000000000001", "hex");
    for (const text of ["[::1]:80", "::1:80", "[0:0:0:0:0:0:0:1]:80", "[::1%eth0]:80"]) {
      expect(Buffer.from(parseHost(text)!.address)).toEqual(loopback);
    }
    expect(Buffer.from(parseAddress("fe80::")!).toString("hex")).toBe("fe80" + "0".repeat(28));
  });

  test("that is none is null", () => {
    for (
      const text of [
        ...["", "localhost", "1.2.3", "1.2.3.256", "1.2.3.4.5", "1.2.3.x", ":", "1:2:3:4:5:6:7"],
        ...["1:2:3:4:5:6:7:8:9", "::1::2", "12345::", "g::1", "1.2.3.4::", "::1.2.3"],
        ...["1:2:3:4:5:6:7::8"],
      ]
    ) {
      expect([text, parseAddress(text)]).toEqual([text, null]);
    }
    for (const text of ["1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", "host:80", ""]) {
      expect([text, parseHost(text)]).toEqual([text, null]);
    }
  });
});
