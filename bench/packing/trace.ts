import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

/** One GPU, in thousandths: shares are counted in these. */
export const GPU_MILLIS = 1000;

/** A machine as the trace gives it. */
export interface TraceNode {
  readonly name: string;
  readonly cpuMillis: number;
  readonly memoryMiB: number;
  readonly gpuCount: number;
  readonly model: string;
}

/**
 * What a task asks for. Tasks that ask for the same are one class.
 * `gpuMillis` is per GPU: 1000 for whole GPUs, less only when `gpuCount` is 1, 0 without GPUs.
 * `models` are the GPU models allowed, sorted; empty allows any.
 */
export interface TaskClass {
  readonly cpuMillis: number;
  readonly memoryMiB: number;
  readonly gpuCount: number;
  readonly gpuMillis: number;
  readonly models: readonly string[];
}

/** A list of tasks as class numbers, in file order, with the classes in order of first appearance. */
export interface TaskList {
  readonly classes: readonly TaskClass[];
  readonly tasks: readonly number[];
}

/** A trace file that does not say what its format promises. */
export class TraceError extends Error {
  readonly code = "TRACE_INVALID";
  readonly retryable = false;
}

/** GPU thousandths a task of the class takes in all. */
export function requestedGpuMillis(task: TaskClass): number {
  return task.gpuCount * task.gpuMillis;
}

/** Reads a node list (`sn,cpu_milli,memory_mib,gpu,model`), plain or gzipped. */
export function readNodes(path: string): TraceNode[] {
  const table = readTable(path, ["sn", "cpu_milli", "memory_mib", "gpu", "model"]);
  return table.map((row) => ({
    name: row.text("sn"),
    cpuMillis: row.count("cpu_milli"),
    memoryMiB: row.count("memory_mib"),
    gpuCount: row.count("gpu"),
    model: row.optionalText("model"),
  }));
}

/** Reads a task list (`name,cpu_milli,memory_mib,num_gpu,gpu_milli[,gpu_spec,…]`), plain or gzipped. */
export function readTasks(path: string): TaskList {
  const table = readTable(path, ["name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli"]);
  const classes: TaskClass[] = [];
  const numbers = new Map<string, number>();
  const tasks = table.map((row) => {
    const task = readClass(row);
    const key = JSON.stringify(task);
    let number = numbers.get(key);
    if (number === undefined) {
      number = classes.push(task) - 1;
      numbers.set(key, number);
    }
    return number;
  });
  return { classes, tasks };
}

function readClass(row: Row): TaskClass {
  const gpuCount = row.count("num_gpu");
  const gpuMillis = gpuCount === 0 ? 0 : row.count("gpu_milli");
  const shareIsValid =
    gpuCount === 0 || gpuMillis === GPU_MILLIS || (gpuCount === 1 && gpuMillis > 0);
  if (!shareIsValid || gpuMillis > GPU_MILLIS) {
    throw row.error(`asks for ${gpuCount} GPUs of ${gpuMillis} thousandths each`);
  }
  const spec = row.optionalText("gpu_spec");
  const models = spec === "" ? [] : [...new Set(spec.split("|"))].sort();
  return {
    cpuMillis: row.count("cpu_milli"),
    memoryMiB: row.count("memory_mib"),
    gpuCount,
    gpuMillis,
    models,
  };
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TraceError(`${path} cannot be read: ${reason}`, { cause });
  }
}

interface Row {
  text(column: string): string;
  optionalText(column: string): string;
  count(column: string): number;
  error(problem: string): TraceError;
}

function readTable(path: string, required: readonly string[]): Row[] {
  const bytes = readBytes(path);
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const [header = "", ...lines] = (isGzip ? gunzipSync(bytes) : bytes)
    .toString("utf8")
    .split(/\r?\n/);
  const columns = new Map(header.split(",").map((name, index) => [name, index]));
  const missing = required.filter((name) => !columns.has(name));
  if (missing.length > 0) throw new TraceError(`${path}: no column ${missing.join(", ")}`);

  return lines.flatMap((line, index): Row[] => {
    if (line === "") return [];
    const cells = line.split(",");
    const error = (problem: string): TraceError =>
      new TraceError(`${path}:${index + 2}: ${problem}`);
    const optionalText = (column: string): string => cells[columns.get(column) ?? -1] ?? "";
    const text = (column: string): string => {
      const value = optionalText(column);
      if (value === "") throw error(`${column} is empty`);
      return value;
    };
    const count = (column: string): number => {
      const value = Number(text(column));
      if (!Number.isSafeInteger(value) || value < 0) throw error(`${column} is not a count`);
      return value;
    };
    return [{ text, optionalText, count, error }];
  });
}
