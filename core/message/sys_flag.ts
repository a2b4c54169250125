// The bits of a record's sysFlag (MessageSysFlag): what its body, hosts and transaction state are.

export const COMPRESSED = 1 << 0;
export const MULTI_TAGS = 1 << 1;
export const TRANSACTION_NONE = 0;
export const TRANSACTION_PREPARED = 1 << 2;
export const TRANSACTION_COMMIT = 2 << 2;
export const TRANSACTION_ROLLBACK = 3 << 2;
/** The born host has 16 address bytes. */
export const BORN_HOST_V6 = 1 << 4;
/** The store host has 16 address bytes. */
export const STORE_HOST_V6 = 1 << 5;
/** The body is an inner batch that the client must unwrap (BatchCQ topics). */
export const NEED_UNWRAP = 1 << 6;
export const INNER_BATCH = 1 << 7;

export const COMPRESSION_LZ4 = 1 << 8;
export const COMPRESSION_ZSTD = 2 << 8;
export const COMPRESSION_ZLIB = 3 << 8;
export const COMPRESSION_MASK = 7 << 8;

const TRANSACTION_MASK = TRANSACTION_ROLLBACK;

/** TRANSACTION_NONE, _PREPARED, _COMMIT or _ROLLBACK. */
export function transactionState(sysFlag: number): number {
  return sysFlag & TRANSACTION_MASK;
}

export function withTransactionState(sysFlag: number, state: number): number {
  return (sysFlag & ~TRANSACTION_MASK) | state;
}

/** True for records that enter no queue: prepared and rolled back ones. */
export function isHiddenFromQueues(sysFlag: number): boolean {
  const state = sysFlag & TRANSACTION_MASK;
  return state === TRANSACTION_PREPARED || state === TRANSACTION_ROLLBACK;
}
