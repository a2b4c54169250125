// The house rules that a machine can check, as pure functions: which room may import which, and which files may
// touch real time, randomness, disk and network. scripts/lint_plugin.ts hangs them into `deno lint`.

/** Rooms from the top of the house down: each may import from its own level and those below. */
const rooms = ["cmd", "cluster", "store", "core"] as const;
/** May import every room; nothing may import them. */
const outbuildings = ["benchmarks", "examples", "interop", "scripts"] as const;
/** A whole Roquet in this process, for tests of any room: the client library's need a broker. */
const embedded = "cmd/embedded.ts";

/** Why `importer` may not import `imported` (paths from the project root), or null. */
export function importProblem(importer: string, imported: string): string | null {
  const from = topFolder(importer);
  const to = topFolder(imported);
  if (from === to) return null;
  if (isTest(importer) && (to === "testdata" || imported === embedded)) return null;
  if (isOutbuilding(to) && !isOutbuilding(from)) return `nothing imports ${to}/`;
  if (to === "testdata" && !isOutbuilding(from)) return "only tests read testdata/";
  const fromLevel = rooms.indexOf(from as typeof rooms[number]);
  const toLevel = rooms.indexOf(to as typeof rooms[number]);
  if (fromLevel < 0 || toLevel < 0 || toLevel > fromLevel) return null;
  return `${from}/ may not import ${to}/: imports go ${rooms.join(" → ")}`;
}

/** An effect, by how it appears in code, and the files that may have it. */
interface Effect {
  /** Global identifiers or `object.member` pairs. */
  names: readonly string[];
  modules: readonly string[];
  allowedIn: readonly RegExp[];
  instead: string;
}

/** Tests, and what the tests of a folder share. */
const testFiles = /(_test|\/testing)\.ts$/;
const everywhereOutside = [
  testFiles,
  /^(benchmarks|examples|interop|scripts|testdata)\//,
  /^cmd\//,
];

const effects: readonly Effect[] = [
  {
    names: [
      "Date.now",
      "performance.now",
      "setTimeout",
      "setInterval",
      "setImmediate",
      "process.hrtime",
    ],
    modules: ["node:timers", "node:timers/promises", "node:perf_hooks"],
    allowedIn: [...everywhereOutside, /^core\/time\/system_clock\.ts$/],
    instead: "take a Clock (core/time/clock.ts)",
  },
  {
    names: ["Math.random", "crypto.getRandomValues", "crypto.randomUUID"],
    modules: [],
    allowedIn: [...everywhereOutside, /^core\/random\.ts$/],
    instead: "take a Random (core/random.ts)",
  },
  {
    names: [],
    modules: ["node:fs", "node:fs/promises", "fs", "fs/promises"],
    allowedIn: [...everywhereOutside, /^core\/disk\/disk_node\.ts$/],
    instead: "take a Disk (core/disk/disk.ts)",
  },
  {
    names: ["fetch", "WebSocket"],
    modules: ["node:net", "node:tls", "node:http", "node:dgram"],
    allowedIn: [...everywhereOutside, /^core\/remoting\/transport_\w+\.ts$/],
    instead: "take a Transport (core/remoting/transport.ts)",
  },
];

/** Why `file` may not use the global `name` ("Date.now"), or null. */
export function globalProblem(file: string, name: string): string | null {
  if (name.startsWith("Bun.") && !/_bun(_test)?\.ts$/.test(file) && !isExempt(file)) {
    return "Bun.* belongs in files named *_bun.ts, behind an interface with a node: twin";
  }
  const effect = effects.find((each) => each.names.includes(name));
  return effect && !isAllowed(effect, file) ? `${name} is an effect: ${effect.instead}` : null;
}

/** Why `file` may not import the module, or null. */
export function moduleProblem(file: string, specifier: string): string | null {
  if (/^node:child_process$/.test(specifier) && /^(core|store)\//.test(file) && !isTest(file)) {
    return "no process is started below cluster/";
  }
  const effect = effects.find((each) => each.modules.includes(specifier));
  return effect && !isAllowed(effect, file) ? `${specifier} is an effect: ${effect.instead}` : null;
}

function isAllowed(effect: Effect, file: string): boolean {
  return effect.allowedIn.some((pattern) => pattern.test(file));
}

function isTest(file: string): boolean {
  return testFiles.test(file) || file.startsWith("testdata/");
}

function isExempt(file: string): boolean {
  return isTest(file) || isOutbuilding(topFolder(file));
}

function isOutbuilding(folder: string): boolean {
  return (outbuildings as readonly string[]).includes(folder);
}

function topFolder(path: string): string {
  return path.split("/", 1)[0]!;
}
