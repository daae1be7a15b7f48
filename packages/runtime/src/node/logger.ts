import { BerthError } from "@berth/protocol";
import { type LogFields, type Logger, type LogLevel, loggerTo } from "../logger.ts";

export interface LoggerOptions {
  /** Which part of Berth speaks: `scheduler`, `agent`, `console`. */
  readonly name: string;
  /** Lines below it are not written. Default: `BERTH_LOG_LEVEL`, or `info`. */
  readonly level?: LogLevel;
  /** Default: `BERTH_LOG_FORMAT`, or `pretty` on a terminal and `json` elsewhere. */
  readonly format?: "json" | "pretty";
  /** Default: standard error. Standard output is for data. */
  readonly write?: (line: string) => void;
}

const RANK: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** One line per message: `{"at","level","name","message",…fields}` or the same for people. */
export function createLogger(options: LoggerOptions): Logger {
  const least = RANK[options.level ?? levelFrom(process.env["BERTH_LOG_LEVEL"])];
  const format = options.format ?? formatFrom(process.env["BERTH_LOG_FORMAT"]);
  const render = format === "json" ? renderJson : renderPretty;
  const write = options.write ?? ((line: string) => void process.stderr.write(line));
  return loggerTo((level, message, fields) => {
    if (RANK[level] < least) return;
    write(render({ at: new Date(), level, name: options.name, message, fields }));
  });
}

interface Line {
  readonly at: Date;
  readonly level: LogLevel;
  readonly name: string;
  readonly message: string;
  readonly fields: LogFields;
}

function renderJson({ at, level, name, message, fields }: Line): string {
  const line = { at: at.toISOString(), level, name, message, ...fields };
  return `${JSON.stringify(line, (_key, value: unknown) => plain(value))}\n`;
}

function renderPretty({ at, level, name, message, fields }: Line): string {
  const details = Object.entries(fields).map(([key, value]) => `${key}=${display(value)}`);
  const time = at.toISOString().slice(11, 23);
  const tail = details.length === 0 ? "" : `  ${details.join(" ")}`;
  return `${time} ${level.padEnd(5)} ${name}: ${message}${tail}\n`;
}

function display(value: unknown): string {
  if (typeof value === "string") return /^[\w./:@-]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value, (_key, inner: unknown) => plain(inner)) ?? "undefined";
}

/** Errors have no enumerable fields of their own: JSON would write them as `{}`. */
function plain(value: unknown): unknown {
  if (value instanceof BerthError) {
    return { code: value.code, message: value.message, hint: value.hint, cause: value.cause };
  }
  if (value instanceof Error) {
    return { name: value.name, message: value.message, stack: value.stack, cause: value.cause };
  }
  return typeof value === "bigint" ? value.toString() : value;
}

function levelFrom(text: string | undefined): LogLevel {
  return text === "debug" || text === "warn" || text === "error" ? text : "info";
}

function formatFrom(text: string | undefined): "json" | "pretty" {
  if (text === "json" || text === "pretty") return text;
  return process.stderr.isTTY ? "pretty" : "json";
}
