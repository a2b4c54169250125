// Saves a table in the background, never twice at a time: changes that come while a save is under way share the next one,
// so that a thousand new groups cost a few writes and the event loop never waits for the device.
import type { Logger } from "../../core/log.ts";
import type { TableFile } from "./table_file.ts";

export class TableSaver {
  private current: Promise<void> | null = null;
  private next: Promise<void> | null = null;

  constructor(
    private readonly file: TableFile,
    private readonly encode: () => string,
    private readonly log: Logger,
  ) {}

  /**
   * Resolves when the table as it is now would survive a crash. A save that fails is logged and not repeated: the table
   * goes on in memory and the next change tries again (as Apache's ConfigManager.persist does).
   */
  save(): Promise<void> {
    if (this.current === null) return this.current = this.attempt();
    this.next ??= this.current.then(() => {
      this.next = null;
      return this.current = this.attempt();
    });
    return this.next;
  }

  /** Resolves when every change so far is saved. */
  saved(): Promise<void> {
    return this.next ?? this.current ?? Promise.resolve();
  }

  private async attempt(): Promise<void> {
    try {
      await this.file.saveInBackground(this.encode());
    } catch (error) {
      this.log.error("a table was not saved", { error });
    } finally {
      this.current = null;
    }
  }
}
