// Settings of a broker that asks about transactions soon, since a test can't wait for half minutes.

/** None is given up, however slowly a JVM starts. */
export const QUICK_CHECKS = {
  transactionTimeOut: 1000,
  transactionCheckInterval: 1000,
  transactionCheckMax: 10_000,
  transactionOpBatchInterval: 500,
};
