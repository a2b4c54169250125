// Where a table's text is kept, as the tables see it: store/file/metadata_file.ts on the disk, or a test's memory.
// Knows no format.

export interface TableFile {
  /** The text as saved last, or its backup when it is torn; null when there is none. */
  load(): string | null;
  /** Resolves when the text would survive a crash, without holding up the event loop. Rejects with DiskError. */
  saveInBackground(text: string): Promise<void>;
}

/** A table that isn't on disk. */
export function memoryTableFile(text: string | null = null): TableFile & { text: string | null } {
  return {
    text,
    load() {
      return this.text;
    },
    saveInBackground(saved) {
      this.text = saved;
      return Promise.resolve();
    },
  };
}

/** A table's text: indented by tabs as Apache's pretty printer does. */
export function tableText(value: unknown): string {
  return JSON.stringify(value, null, "\t");
}
