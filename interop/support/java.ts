// Java peers: Apache's jars from Maven Central and the driver compiled against them, kept below interop/.work.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { runToEnd } from "./processes.ts";

export type ClientVersion = "5.4.0" | "4.9.8";
/** Other peers, each with a pom of its own. */
export type PeerJars = "proxy-5.4.0" | "grpc";
/** Of Apache's servers; the broker of 4.9.8 was never published as a jar. */
export type ServerVersion = "5.4.0" | "4.9.7";

const interopRoot = new URL("..", import.meta.url).pathname;
/** Downloaded jars, compiled drivers and logs; never committed. */
export const workFolder = `${interopRoot}.work`;

type Tool = readonly [command: string, args: readonly string[], what: string];

const JAVA_TOOLS: readonly Tool[] = [
  ["java", ["-version"], "a Java runtime (17 or later)"],
  ["javac", ["-version"], "a Java compiler (JDK 17 or later)"],
  ["mvn", ["-v"], "Maven (it brings Apache RocketMQ's jars from Maven Central)"],
];
const OTHER_TOOLS: readonly Tool[] = [
  ["go", ["version"], "a Go compiler (it builds the Go client's driver)"],
  ["node", ["--version"], "Node.js (it runs the Node client)"],
];

/** What is missing to run Java peers, in words; empty when nothing is. */
export function missingJavaTools(): Promise<string[]> {
  return missingOf(JAVA_TOOLS);
}

/** The same for every foreign client. */
export function missingPeerTools(): Promise<string[]> {
  return missingOf([...JAVA_TOOLS, ...OTHER_TOOLS]);
}

async function missingOf(tools: readonly Tool[]): Promise<string[]> {
  const missing: string[] = [];
  for (const [command, args, what] of tools) {
    const found = await runToEnd(command, args).then((result) => result.code === 0, () => false);
    if (!found) missing.push(`${command}: ${what}`);
  }
  return missing;
}

/** The folder with the jars of a version, brought from Maven Central once. */
export async function jars(version: ClientVersion | ServerVersion | PeerJars): Promise<string> {
  const folder = `${workFolder}/jars-${version}`;
  if (existsSync(folder)) return folder;
  mkdirSync(workFolder, { recursive: true });
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  const pom = `${interopRoot}java/pom-${version}.xml`;
  const result = await runToEnd("mvn", [
    "-q",
    "-B",
    "-f",
    pom,
    "dependency:copy-dependencies",
    `-DoutputDirectory=${partial}`,
  ], { timeoutMs: 600_000 });
  if (result.code !== 0) throw new Error(`mvn failed:\n${result.stdout}${result.stderr}`);
  renameSync(partial, folder);
  return folder;
}

/** The class path of the driver compiled against a version's jars; compiled anew when a source is newer. */
export async function driverClassPath(version: ClientVersion): Promise<string> {
  return await compiled(version, [`${interopRoot}java/src`, `${interopRoot}java/src-${version}`]);
}

/** The same for the driver of gRPC clients. */
export async function grpcClassPath(): Promise<string> {
  return await compiled("grpc", [`${interopRoot}java/src-grpc`]);
}

async function compiled(
  version: ClientVersion | PeerJars,
  folders: readonly string[],
): Promise<string> {
  const lib = await jars(version);
  const sources = folders
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((name) => `${folder}/${name}`))
    .filter((path) => path.endsWith(".java"));
  const classes = `${workFolder}/classes-${version}`;
  const newest = Math.max(...sources.map((path) => statSync(path).mtimeMs));
  if (existsSync(classes) && statSync(classes).mtimeMs >= newest) return `${classes}:${lib}/*`;
  // Compiled aside and renamed: another run may be doing the same.
  const partial = mkdtempSync(`${workFolder}/classes-`);
  const result = await runToEnd("javac", [
    "-nowarn",
    "-d",
    partial,
    "-cp",
    `${lib}/*`,
    ...sources,
  ]);
  if (result.code !== 0) throw new Error(`javac failed:\n${result.stdout}${result.stderr}`);
  rmSync(classes, { recursive: true, force: true });
  try {
    renameSync(partial, classes);
  } catch (error) {
    if (!existsSync(classes)) throw error;
    rmSync(partial, { recursive: true, force: true });
  }
  return `${classes}:${lib}/*`;
}

/** Options that every JVM here gets: small, IPv4, its files in `home`. */
export function jvmOptions(home: string, heapMb = 512): string[] {
  return [
    `-Xmx${heapMb}m`,
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=4",
    "-Djava.net.preferIPv4Stack=true",
    `-Duser.home=${home}`,
    `-Drocketmq.client.logRoot=${home}/clientlogs`,
    "-Drocketmq.client.logUseSlf4j=false",
  ];
}
