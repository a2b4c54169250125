// What the offline commands on a store share: the folder and the broker's configuration that are given, the machine's
// disk, and a bar on a terminal that says how far a long reading is.
import { resolve } from "node:path";
import process from "node:process";
import { loadBrokerConfig } from "../../core/config/servers.ts";
import type { BrokerConfig } from "../../core/config/tables.ts";
import type { Disk } from "../../core/disk/disk.ts";
import { DelayLevels } from "../../store/schedule/delay_levels.ts";
import { findShape, type StoreShape } from "../../store/inspect/store_shape.ts";
import { errorScreen, ProgressBar } from "../bench/progress_bar.ts";
import { thisMachine } from "../machine.ts";
import { thisPlatform } from "../platform.ts";
import { readServerConfig } from "../server_config.ts";
import * as option from "./option.ts";

/** The bar is drawn no more often than this. */
const DRAW_MS = 100;

export const PLACE_OPTIONS = {
  dir: option.required(
    "d",
    "dir",
    { ...option.text, metavar: "DIR" },
    "the store's folder (storePathRootDir), with or without -d before it",
  ),
  config: option.optional(
    "c",
    "configFile",
    option.file,
    "the broker's configuration; without it file sizes are told from the files",
  ),
};

export interface StorePlace {
  disk: Disk;
  shape: StoreShape;
  /** As configured; null without a configuration. */
  delayLevels: DelayLevels | null;
}

/** Throws OperationError when there is no store, ConfigError for a configuration that can't be read. */
export function openPlace(dir: string, configFile: string | undefined): StorePlace {
  const { disk } = thisPlatform();
  const storePath = resolve(dir);
  if (configFile === undefined) {
    return { disk, shape: findShape(disk, storePath, {}), delayLevels: null };
  }
  const options = { configFile, settings: [], strict: false };
  const { values } = readServerConfig(options, [], thisMachine(), loadBrokerConfig).live;
  return {
    disk,
    shape: findShape(disk, storePath, configuredShape(values, storePath)),
    delayLevels: DelayLevels.parse(values.messageDelayLevel),
  };
}

function configuredShape(config: BrokerConfig, storePath: string): Partial<StoreShape> {
  const isItsOwn = resolve(config.storePathRootDir) === storePath;
  return {
    commitLogFileBytes: config.mappedFileSizeCommitLog,
    consumeQueueFileBytes: Math.ceil(config.mappedFileSizeConsumeQueue / 20) * 20,
    batchConsumeQueueFileBytes: config.mapperFileSizeBatchConsumeQueue,
    consumeQueueExtFileBytes: config.mappedFileSizeConsumeQueueExt,
    index: { slotCount: config.maxHashSlotNum, itemCount: config.maxIndexNum },
    isIndexEnabled: config.messageIndexEnable,
    ...(isItsOwn && { commitLogPath: config.storePathCommitLog }),
  };
}

/** A bar on standard error; nothing when that is no terminal. */
export class StoreProgress {
  private readonly bar = new ProgressBar(process.stderr.isTTY === true ? errorScreen() : null);
  private drawnMs = 0;
  private readonly clock = thisPlatform().clock;

  readonly show = (done: number, what: string): void => {
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.drawnMs < DRAW_MS) return;
    this.drawnMs = nowMs;
    this.bar.draw(done, what);
  };

  erase(): void {
    this.bar.erase();
  }
}
