// Values as Java prints them: doubles, maps in the order of HashMap, times, permissions, client versions. Pure; times are
// in the machine's time zone, as mqadmin shows them.
import { javaHash } from "../../core/bytes/java_hash.ts";
import { JsonDouble } from "../../core/json/json_value.ts";
import { writeJson } from "../../core/json/json_writer.ts";

/** Double.toString: "0.0", "16.25". */
export function javaDouble(value: number): string {
  return writeJson(new JsonDouble(value));
}

/** At most so many characters (UtilAll.frontStringAtLeast). */
export function front(text: string, lengthMax: number): string {
  return text.slice(0, lengthMax);
}

/**
 * Entries in the order of a HashMap that was made for `capacity`: by bucket, then as they came. Buckets that became
 * trees would differ; they don't arise with a few short keys.
 */
export function inHashMapOrder<V>(
  entries: Iterable<readonly [string, V]>,
  capacity: number,
): (readonly [string, V])[] {
  const all = [...entries];
  let size = capacity;
  while (all.length > size * 0.75) size *= 2;
  const bucketOf = (key: string) => {
    const hash = javaHash(key);
    return (hash ^ (hash >>> 16)) & (size - 1);
  };
  return all.map((entry) => ({ entry, bucket: bucketOf(entry[0]) }))
    .sort((one, other) => one.bucket - other.bucket)
    .map(({ entry }) => entry);
}

/** "{a=1, b=2}" */
export function mapText(entries: Iterable<readonly [string, string]>): string {
  return `{${[...entries].map(([key, value]) => `${key}=${value}`).join(", ")}}`;
}

/** "2026-11-21 08:05:49" */
export function dayAndTime(timeMs: number): string {
  const time = new Date(timeMs);
  const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join("-");
  return `${day} ${[time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(":")}`;
}

/** "2026-11-21 08:05:49,019" (UtilAll.timeMillisToHumanString2) */
export function dayAndTimeMs(timeMs: number): string {
  return `${dayAndTime(timeMs)},${String(new Date(timeMs).getMilliseconds()).padStart(3, "0")}`;
}

/** "20261121080549019" (UtilAll.timeMillisToHumanString) */
export function digitsOfTime(timeMs: number): string {
  return dayAndTimeMs(timeMs).replace(/\D/g, "");
}

function two(part: number): string {
  return String(part).padStart(2, "0");
}

/** "RW-" (PermName.perm2String): read 4, write 2, inherit 1. */
export function permText(perm: number): string {
  return `${perm & 4 ? "R" : "-"}${perm & 2 ? "W" : "-"}${perm & 1 ? "X" : "-"}`;
}

/** MQVersion before 3.0.1, in the order of their numbers. */
const FIRST_VERSIONS = [
  ..."SNAPSHOT ALPHA1 BETA1 BETA2 BETA3 BETA4 BETA5 BETA6_SNAPSHOT BETA6 BETA7_SNAPSHOT BETA7"
    .split(" "),
  ..."BETA8_SNAPSHOT BETA8 BETA9_SNAPSHOT BETA9 FINAL".split(" "),
].map((name) => `V3_0_0_${name}`);

const VERSIONS = [...FIRST_VERSIONS, ...laterVersions()];
const UNKNOWN_VERSION = "HIGHER_VERSION";

/** 3.0 has .1 to .15, 3.3 to 3.9 begin at .1, all others go from .0 to .9; each has a snapshot before it. */
function laterVersions(): string[] {
  const names: string[] = [];
  for (let minor = 30; minor < 60; minor++) {
    const first = minor === 30 || (minor >= 33 && minor < 40) ? 1 : 0;
    const last = minor === 30 ? 15 : 9;
    for (let patch = first; patch <= last; patch++) {
      const name = `V${Math.floor(minor / 10)}_${minor % 10}_${patch}`;
      names.push(`${name}_SNAPSHOT`, name);
    }
  }
  return names;
}

/** "V5_4_0" for 493 (MQVersion.getVersionDesc). */
export function versionText(version: number): string {
  return VERSIONS[version] ?? UNKNOWN_VERSION;
}
