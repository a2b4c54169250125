// A time as Apache's tools show it, in the machine's time zone (Java: UtilAll.timeMillisToHumanString).

/** "2026-11-21#03:45:37:579". */
export function localTimeText(timeMs: number): string {
  const time = new Date(timeMs);
  const day = [time.getFullYear(), padded(time.getMonth() + 1), padded(time.getDate())].join("-");
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) => padded(part));
  return `${day}#${clock.join(":")}:${padded(time.getMilliseconds(), 3)}`;
}

function padded(part: number, digits = 2): string {
  return String(part).padStart(digits, "0");
}
