// Where a table's text is kept. store/file/metadata_file.ts is the disk's; tests keep it in memory.
// Knows no format.

export interface TableFile {
  /** The text as saved last, or its backup when it is torn; null when there is none. */
  load(): string | null;
  /** Returns when the text would survive a crash. Throws DiskError. */
  save(text: string): void;
}

/** A table that isn't on disk: tests, and brokers that are asked not to persist. */
export function memoryTableFile(text: string | null = null): TableFile & { text: string | null } {
  return {
    text,
    load() {
      return this.text;
    },
    save(saved) {
      this.text = saved;
    },
  };
}

/** A table's text: indented by tabs as Apache's pretty printer does. */
export function tableText(value: unknown): string {
  return JSON.stringify(value, null, "\t");
}
