import { expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../core/config/load.ts";
import { keepChanges, readConfigFile } from "./config_file.ts";
import { temporaryFolder } from "./testing.ts";

test("changes made at run time are kept in the file, its other lines and its mode as they were", () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "broker.conf");
  writeFileSync(file, "# mine\nmaxMessageSize = 100\nbrokerName=a\n", { mode: 0o640 });
  keepChanges(file)(new Map([["maxMessageSize", "200"], ["traceOn", "false"]]));
  expect(readFileSync(file, "utf8")).toBe(
    "# mine\nmaxMessageSize=200\nbrokerName=a\ntraceOn=false\n",
  );
  expect(statSync(file).mode & 0o777).toBe(0o640);
  expect(readdirSync(folder.path)).toEqual(["broker.conf"]);
});

test("a link to a configuration file stays a link, and the file behind it is changed", () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "real.conf");
  const link = join(folder.path, "broker.conf");
  writeFileSync(file, "a=1\n");
  symlinkSync("real.conf", link);
  keepChanges(link)(new Map([["a", "2"]]));
  expect(readFileSync(file, "utf8")).toBe("a=2\n");
  expect(readdirSync(folder.path)).toEqual(["broker.conf", "real.conf"]);
});

test("a file that is too large is refused before it is read", () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "broker.conf");
  writeFileSync(file, "#".repeat(1024 * 1024 + 1));
  expect(() => readConfigFile(file)).toThrow(ConfigError);
  expect(() => readConfigFile(file)).toThrow("larger than 1048576 bytes");
});
