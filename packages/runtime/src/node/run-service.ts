import { BerthError } from "@berth/protocol";
import type { Logger } from "../logger.ts";

export interface ServiceOptions {
  readonly logger: Logger;
  /** How long an orderly end may take before the process goes anyway. */
  readonly stopTimeoutMs?: number;
}

const STOP_TIMEOUT_MS = 10_000;

/**
 * Runs a service to its end and ends the process with it. `main` gets a signal that is raised once,
 * on the first of SIGTERM, SIGINT and, when `BERTH_SUPERVISED=1`, the end of standard input: a
 * supervisor keeps that pipe open, so that a killed one leaves no orphans. It then has
 * `stopTimeoutMs` to settle; a second signal does not wait for it.
 *
 * Exit codes: 0 after an orderly end, 1 when `main` rejects or anything is thrown that nobody
 * catches. A crash is preferred to going on in a state nobody reasoned about.
 */
export async function runService(
  options: ServiceOptions,
  main: (stop: AbortSignal) => Promise<void>,
): Promise<never> {
  const { logger } = options;
  const stop = new AbortController();
  // Whoever read our output may go first; that alone must not end the service.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  process.once("uncaughtException", (cause) => crash(logger, cause));
  process.once("unhandledRejection", (cause) => crash(logger, cause));

  const requestStop = (reason: string) => {
    if (stop.signal.aborted) return;
    logger.info("stopping", { reason });
    setTimeout(() => {
      logger.error("did not stop in time");
      process.exit(1);
    }, options.stopTimeoutMs ?? STOP_TIMEOUT_MS).unref();
    stop.abort(reason);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(1);
      requestStop(signal);
    });
  }
  if (process.env["BERTH_SUPERVISED"] === "1") watchSupervisor(() => requestStop("supervisor"));

  try {
    await main(stop.signal);
  } catch (cause) {
    if (!stop.signal.aborted) crash(logger, cause);
    logger.error("failed while stopping", { cause });
    process.exit(1);
  }
  process.exit(0);
}

/** Calls `onGone`, perhaps more than once, when the process at the other end of standard input is gone. */
function watchSupervisor(onGone: () => void): void {
  process.stdin.on("end", onGone).on("close", onGone).on("error", onGone);
  process.stdin.resume();
}

function crash(logger: Logger, cause: unknown): never {
  if (cause instanceof BerthError) {
    logger.error(cause.message, { code: cause.code, hint: cause.hint });
  } else {
    logger.error("crashed", { cause });
  }
  process.exit(1);
}
