import { describe, expect, test } from "bun:test";
import { localAddress, thisMachine } from "./machine.ts";

const v4 = (address: string, internal = false) => ({ address, family: "IPv4", internal });
const v6 = (address: string) => ({ address, family: "IPv6", internal: false });
const noBridge = () => false;

describe("the first local address", () => {
  test("is an IPv4 address that is neither the loopback's nor a home network's", () => {
    const interfaces = {
      lo: [v4("127.0.0.1", true)],
      wlan0: [v6("fe80::1"), v4("192.168.0.7")],
      eth0: [v4("10.0.0.5")],
    };
    expect(localAddress(interfaces, noBridge)).toBe("10.0.0.5");
  });

  test("is a home network's when there is no other, and an IPv6 one in brackets after that", () => {
    expect(localAddress({ eth0: [v4("192.168.0.7")] }, noBridge)).toBe("192.168.0.7");
    expect(localAddress({ eth0: [v6("2001:db8::1")] }, noBridge)).toBe("[2001:db8::1]");
    expect(localAddress({ lo: [v4("127.0.0.1", true)] }, noBridge)).toBe("127.0.0.1");
  });

  test("is never that of a bridge", () => {
    const interfaces = { docker0: [v4("172.17.0.1")], eth0: [v4("10.0.0.5")] };
    expect(localAddress(interfaces, (name) => name === "docker0")).toBe("10.0.0.5");
  });
});

test("this machine has the facts that defaults need", () => {
  const machine = thisMachine();
  expect(machine.processors).toBeGreaterThan(0);
  expect(machine.homeDirectory).toStartWith("/");
  expect(machine.localAddress).not.toBe("");
});
