// Where the simulated broker keeps its store, and how its log files are named.

export const STORE_PATH = "/store";
export const LOG_PATH = `${STORE_PATH}/commitlog`;
export const LOG_FILE_BYTES = 16 * 1024;
const NAME_DIGITS = 20;

/** The log file that holds a physical offset. */
export function logPathOf(physicalOffset: number): string {
  const start = physicalOffset - physicalOffset % LOG_FILE_BYTES;
  return `${LOG_PATH}/${String(start).padStart(NAME_DIGITS, "0")}`;
}
