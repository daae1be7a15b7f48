import { type LogFields, type Logger, type LogLevel, loggerTo } from "../logger.ts";

export interface LoggedLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

export interface MemoryLogger extends Logger {
  readonly lines: readonly LoggedLine[];
}

/** Keeps what is logged, for tests to look at. */
export function memoryLogger(): MemoryLogger {
  const lines: LoggedLine[] = [];
  const logger = loggerTo((level, message, fields) => void lines.push({ level, message, fields }));
  return { ...logger, lines };
}
