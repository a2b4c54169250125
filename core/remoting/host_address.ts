// Addresses as text to the bytes that records store and back. Resolves no names.
import { Buffer } from "node:buffer";

/**
 * 4 or 16 bytes of an IP address, an IPv4-mapped IPv6 one as 4; null when the text is no address.
 */
export function parseIpAddress(text: string): Buffer | null {
  const zone = text.indexOf("%");
  const plain = zone < 0 ? text : text.slice(0, zone);
  if (!plain.includes(":")) return parseIpv4(plain);
  const bytes = parseIpv6(plain);
  return bytes !== null && isMappedIpv4(bytes) ? bytes.subarray(12) : bytes;
}

function parseIpv4(text: string): Buffer | null {
  const parts = text.split(".");
  if (parts.length !== 4) return null;
  const bytes = Buffer.alloc(4);
  for (let i = 0; i < 4; i++) {
    const part = parts[i]!;
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255) return null;
    bytes[i] = Number(part);
  }
  return bytes;
}

function parseIpv6(text: string): Buffer | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const head = parseGroups(halves[0]!, halves.length === 1);
  const tail = parseGroups(halves[1] ?? "", true);
  if (head === null || tail === null) return null;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 2 ? missing < 2 : missing !== 0) return null;
  return Buffer.concat([head, Buffer.alloc(missing), tail]);
}

/**
 * Groups of hexadecimal digits between colons; a dotted IPv4 address may be the last of the whole
 * text.
 */
function parseGroups(text: string, mayEndDotted: boolean): Buffer | null {
  if (text === "") return Buffer.alloc(0);
  const groups = text.split(":");
  const parts: Buffer[] = [];
  for (const [i, group] of groups.entries()) {
    if (mayEndDotted && i === groups.length - 1 && group.includes(".")) {
      const dotted = parseIpv4(group);
      if (dotted === null) return null;
      parts.push(dotted);
      continue;
    }
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return null;
    const value = parseInt(group, 16);
    parts.push(Buffer.from([value >>> 8, value & 0xff]));
  }
  return Buffer.concat(parts);
}

function isMappedIpv4(bytes: Buffer): boolean {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false;
  return bytes[10] === 0xff && bytes[11] === 0xff;
}

/** "127.0.0.1:9876" or "[::1]:9876" in its parts; null when it isn't an address with a port. */
export function parseHostAndPort(text: string): { host: string; port: number } | null {
  const colon = text.lastIndexOf(":");
  if (colon <= 0) return null;
  const digits = text.slice(colon + 1);
  if (!/^\d{1,5}$/.test(digits) || Number(digits) > 65535) return null;
  const host = text.slice(0, colon);
  const bare = host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
  return bare === "" ? null : { host: bare, port: Number(digits) };
}
