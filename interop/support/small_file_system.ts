// A real file system of a few megabytes that a broker can fill: a tmpfs in a mount namespace of its own, so that no
// privileges are needed and nothing is left behind. It lives as long as the process that holds the namespace.
import { mkdirSync } from "node:fs";
import { type RunningProcess, runToEnd, startProcess, waitFor } from "./processes.ts";

const MOUNT = 'mount -t tmpfs -o size="$1" none "$0" && echo mounted && exec sleep 100000';

export class SmallFileSystem implements AsyncDisposable {
  private constructor(
    /** Where it is mounted, as processes started through `entering` see it. */
    readonly path: string,
    private readonly holder: RunningProcess,
  ) {}

  /** Throws with what is missing when the machine can't do it. */
  static async mount(path: string, sizeBytes: number): Promise<SmallFileSystem> {
    mkdirSync(path, { recursive: true });
    const namespaces = isRoot ? ["-m"] : ["-m", "-r"];
    const holder = startProcess({
      command: "unshare",
      args: [...namespaces, "sh", "-c", MOUNT, path, String(sizeBytes)],
      logPath: `${path}.log`,
    });
    try {
      await waitFor("mounted tmpfs", 10_000, () => holder.output().includes("mounted"));
    } catch (error) {
      const output = holder.output();
      await holder[Symbol.asyncDispose]();
      throw new Error(
        `a small file system needs unshare and nsenter (util-linux) and mount namespaces, ` +
          `unprivileged ones unless run as root: ${error}\n${output}`,
      );
    }
    return new SmallFileSystem(path, holder);
  }

  /** What to put before a command so that it sees the file system. */
  get entering(): string[] {
    const user = isRoot ? [] : ["-U", "--preserve-credentials"];
    return ["nsenter", "-t", String(this.holder.pid), "-m", ...user, "--"];
  }

  /** Takes space away, and gives it back. */
  async fill(sizeBytes: number): Promise<void> {
    await this.run('head -c "$1" /dev/zero > "$0/filler"', String(sizeBytes));
  }

  async unfill(): Promise<void> {
    await this.run('rm "$0/filler"');
  }

  private async run(script: string, ...args: string[]): Promise<void> {
    const [program, ...rest] = [...this.entering, "sh", "-c", script, this.path, ...args];
    const { code, stderr } = await runToEnd(program!, rest);
    if (code !== 0) throw new Error(`${script} ended with ${code}: ${stderr}`);
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.holder[Symbol.asyncDispose]();
  }
}

const isRoot = process.getuid?.() === 0;
