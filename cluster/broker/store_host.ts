// The address that records and offset message ids carry: brokerIP1 as bytes. Records hold no names, so a host name is
// looked up once, at the start.
import { lookup } from "node:dns/promises";
import { OperationError } from "../../core/errors.ts";
import { parseAddress } from "../../core/message/host_address.ts";

/** 4 or 16 bytes. Throws OperationError when the name can't be resolved. */
export async function storeAddressOf(brokerIP1: string): Promise<Uint8Array> {
  const address = parseAddress(brokerIP1);
  if (address !== null) return address;
  try {
    const found = await lookup(brokerIP1);
    const resolved = parseAddress(found.address);
    if (resolved !== null) return resolved;
  } catch (cause) {
    throw new OperationError(`brokerIP1=${brokerIP1} can't be resolved to an address`, { cause });
  }
  throw new OperationError(`brokerIP1=${brokerIP1} has no address that records can carry`);
}
