// One store directory that Roquet's broker and Apache's 5.4.0 open in turn, on one port and with one name server.
import { readFileSync } from "node:fs";
import { type Server, startApacheBroker } from "./apache.ts";
import { runJavaMain } from "./java_main.ts";
import { freeBrokerPort, runToEnd } from "./processes.ts";
import { waitUntilRegistered } from "./registered.ts";
import { roquetCommand, startRoquetBroker, startRoquetNamesrv } from "./roquet.ts";
import { tempFolder } from "./temp.ts";

/** Small files, so that every kind rolls over; a level that is due within the test and one that isn't. */
const CONF = {
  mappedFileSizeCommitLog: 1_048_576,
  mappedFileSizeConsumeQueue: 6000,
  mappedFileSizeConsumeQueueExt: 65_536,
  mapperFileSizeBatchConsumeQueue: 13_800,
  maxHashSlotNum: 500,
  maxIndexNum: 2000,
  fileReservedTime: 87_600,
  messageDelayLevel: "1s 5s 10s 15s 1h",
  autoCreateTopicEnable: true,
};
/** A store, and the name server and port that the brokers on it share. */
export class Exchange implements AsyncDisposable {
  private readonly stack = new AsyncDisposableStack();
  broker!: Server;

  private constructor(
    readonly folder: string,
    private readonly port: number,
    readonly namesrvAddress: string,
  ) {}

  static async open(name: string): Promise<Exchange> {
    await using stack = new AsyncDisposableStack();
    const { path } = stack.use(tempFolder(name));
    const namesrv = stack.use(await startRoquetNamesrv(`${path}/namesrv`));
    const exchange = new Exchange(path, await freeBrokerPort(), namesrv.address);
    exchange.stack.use(stack.move());
    return exchange;
  }

  get storePath(): string {
    return `${this.folder}/store`;
  }

  async start(make: "roquet" | "apache", conf: Record<string, string | number | boolean> = {}) {
    const start = make === "roquet" ? startRoquetBroker : startApacheBroker;
    this.broker = this.stack.use(
      await start(`${this.folder}/${make}-${Date.now()}`, this.namesrvAddress, {
        port: this.port,
        storePath: this.storePath,
        conf: { ...CONF, ...conf },
      }),
    );
    await waitUntilRegistered(this.namesrvAddress, this.broker.address);
  }

  async stop(): Promise<void> {
    await this.broker.process[Symbol.asyncDispose]();
  }

  async kill(): Promise<void> {
    this.broker.process.kill("SIGKILL");
    await this.broker.process.exited;
  }

  async java(...steps: string[]): Promise<void> {
    const { namesrvAddress, folder } = this;
    await runJavaMain("Exchange", [namesrvAddress, this.broker.address, ...steps], folder);
  }

  /** What `roquet inspector store check` says of the store, which nobody has open. */
  async check(): Promise<{ code: number; checked: Record<string, unknown> }> {
    const { command, args } = roquetCommand();
    const { code, stderr, stdout } = await runToEnd(
      command,
      [...args, "inspector", "store", "check", this.storePath, "--json"],
    );
    if (stdout === "") throw new Error(`store check ended with ${code}: ${stderr}`);
    return { code, checked: JSON.parse(stdout) as Record<string, unknown> };
  }

  file(name: string): string {
    return `${this.folder}/${name}`;
  }

  lines(name: string): string[] {
    return readFileSync(this.file(name), "utf8").split("\n").filter((line) => line !== "");
  }

  async [Symbol.asyncDispose]() {
    await this.stack.disposeAsync();
  }
}
