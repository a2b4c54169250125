// Structured logging: a level, a sentence, a few fields. Where lines go is the sink's business (log_sink.ts).
// Secrets are never passed to a logger; nothing here redacts them.

export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFields = Record<string, unknown>;

export interface Logger {
  debug(text: string, fields?: LogFields): void;
  info(text: string, fields?: LogFields): void;
  warn(text: string, fields?: LogFields): void;
  error(text: string, fields?: LogFields): void;
  /** The same sink under a component's name. */
  named(component: string): Logger;
}

export interface LogEntry {
  level: LogLevel;
  component: string;
  text: string;
  fields?: LogFields;
}

/** A logger that hands each entry to `sink`. */
export function createLogger(sink: (entry: LogEntry) => void, component = ""): Logger {
  const at = (level: LogLevel) => (text: string, fields?: LogFields) =>
    sink({ level, component, text, fields });
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    named: (name) => createLogger(sink, name),
  };
}

export const silentLogger: Logger = createLogger(() => {});
