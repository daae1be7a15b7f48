export type LogLevel = "debug" | "info" | "warn" | "error";

/** What a line is about, beside its sentence. Errors are written with code, message and cause. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where a process says what happens to it. Never throws, never waits. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /**
   * For what a peer could repeat a thousand times a second: warns the first time of each kind, and
   * only counts from then on. Kinds beyond `LOG_KINDS_MAX` share one count.
   */
  count(kind: string, message: string, fields?: LogFields): void;
  /** How often each kind was counted. */
  counts(): ReadonlyMap<string, number>;
}

export const LOG_KINDS_MAX = 500;
const OTHER_KINDS = "other";

export type WriteLine = (level: LogLevel, message: string, fields: LogFields) => void;

/** A logger that hands every line to `write`. Adapters differ in what that does. */
export function loggerTo(write: WriteLine): Logger {
  const counts = new Map<string, number>();
  return {
    debug: (message, fields = {}) => write("debug", message, fields),
    info: (message, fields = {}) => write("info", message, fields),
    warn: (message, fields = {}) => write("warn", message, fields),
    error: (message, fields = {}) => write("error", message, fields),
    count(kind, message, fields = {}) {
      const key = counts.has(kind) || counts.size < LOG_KINDS_MAX ? kind : OTHER_KINDS;
      const before = counts.get(key) ?? 0;
      counts.set(key, before + 1);
      if (before === 0) write("warn", message, { ...fields, kind: key });
    },
    counts: () => counts,
  };
}
