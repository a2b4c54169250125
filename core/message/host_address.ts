// Host addresses as records store them (4 or 16 bytes and a port) and as Java prints them.
// Never resolves a name: text that is no address gives null.

export interface ParsedHost {
  /** 4 or 16 bytes. */
  address: Uint8Array;
  port: number;
}

/** "127.0.0.1", or IPv6 as Java's getHostAddress has it: "0:0:0:0:0:0:0:1", never shortened. */
export function formatAddress(address: Uint8Array): string {
  if (address.length === 4) return address.join(".");
  // Java makes an Inet4Address of an IPv4-mapped one.
  if (isMappedV4(address)) return address.subarray(12).join(".");
  const groups: string[] = [];
  for (let at = 0; at < 16; at += 2) {
    groups.push(((address[at]! << 8) | address[at + 1]!).toString(16));
  }
  return groups.join(":");
}

/** "127.0.0.1:10911" or "[0:0:0:0:0:0:0:1]:10911". */
export function formatHost(address: Uint8Array, port: number): string {
  const text = formatAddress(address);
  return text.includes(":") ? `[${text}]:${port}` : `${text}:${port}`;
}

/** Splits at the last colon; an IPv6 address stands in brackets or plain. Null when it is no address and port. */
export function parseHost(text: string): ParsedHost | null {
  const colon = text.lastIndexOf(":");
  if (colon < 0) return null;
  const portText = text.slice(colon + 1);
  if (!/^\d{1,5}$/.test(portText) || Number(portText) > 65535) return null;
  const address = parseAddress(text.slice(0, colon));
  return address === null ? null : { address, port: Number(portText) };
}

/** The bytes of an IPv4 or IPv6 address, bracketed or not, a scope (%eth0) ignored; null when it is neither. */
export function parseAddress(text: string): Uint8Array | null {
  const bare = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  return bare.includes(":") ? parseV6(bare.replace(/%.*$/, "")) : parseV4(bare);
}

function parseV4(text: string): Uint8Array | null {
  const parts = text.split(".");
  if (parts.length !== 4) return null;
  const bytes = new Uint8Array(4);
  for (let index = 0; index < 4; index++) {
    const part = parts[index]!;
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255) return null;
    bytes[index] = Number(part);
  }
  return bytes;
}

function parseV6(text: string): Uint8Array | null {
  const halves = text.split("::");
  if (halves.length > 2 || (halves.length === 2 && halves[0]!.includes("."))) return null;
  const head = groupsOf(halves[0]!);
  const tail = groupsOf(halves[1] ?? "");
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  const bytes = new Uint8Array(16);
  groups.forEach((group, index) => {
    bytes[index * 2] = group >> 8;
    bytes[index * 2 + 1] = group;
  });
  return bytes;
}

/** The 16-bit groups of one side of "::", the last two perhaps as a dotted IPv4 address. */
function groupsOf(text: string): number[] | null {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (part.includes(".") && index === parts.length - 1) {
      const v4 = parseV4(part);
      if (v4 === null) return null;
      groups.push((v4[0]! << 8) | v4[1]!, (v4[2]! << 8) | v4[3]!);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return null;
      groups.push(parseInt(part, 16));
    }
  }
  return groups;
}

function isMappedV4(address: Uint8Array): boolean {
  for (let at = 0; at < 10; at++) if (address[at] !== 0) return false;
  return address[10] === 0xff && address[11] === 0xff;
}
