// The configuration file of -c: reading it with errors that a person can act on, and keeping run-time changes in it.
import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { ConfigError, type ConfigSource } from "../core/config/load.ts";
import { PROPERTIES_FILE_BYTES_MAX, replaceProperties } from "../core/config/properties_file.ts";

const PROBLEMS: Record<string, string> = {
  ENOENT: "no such file",
  EISDIR: "is a directory, not a file",
  EACCES: "permission denied",
  EPERM: "permission denied",
  ELOOP: "too many symbolic links",
  ENOTDIR: "no such file",
};

/** Throws ConfigError when it can't be read. */
export function readConfigFile(name: string): NonNullable<ConfigSource["file"]> {
  try {
    const { size } = fs.statSync(name);
    if (size > PROPERTIES_FILE_BYTES_MAX) {
      throw new ConfigError([`${name}: larger than ${PROPERTIES_FILE_BYTES_MAX} bytes`]);
    }
    return { name, bytes: fs.readFileSync(name) };
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const code = String((error as { code?: unknown }).code);
    throw new ConfigError([`${name}: ${PROBLEMS[code] ?? `can't be read (${code})`}`], {
      cause: error,
    });
  }
}

/** Writes changed values into the file, its other lines left as they are; the file is replaced in one step. */
export function keepChanges(name: string): (changes: ReadonlyMap<string, string>) => void {
  const target = fs.realpathSync(name);
  return (changes) => {
    const bytes = replaceProperties(fs.readFileSync(target), changes);
    // Shards share the file, and may be changed at the same time.
    const temporary = path.join(
      path.dirname(target),
      `.${path.basename(target)}.${process.pid}.new`,
    );
    const descriptor = fs.openSync(temporary, "w", fs.statSync(target).mode);
    try {
      fs.writeFileSync(descriptor, bytes);
      fs.fsyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
    fs.renameSync(temporary, target);
    const directory = fs.openSync(path.dirname(target), "r");
    try {
      fs.fsyncSync(directory);
    } finally {
      fs.closeSync(directory);
    }
  };
}
