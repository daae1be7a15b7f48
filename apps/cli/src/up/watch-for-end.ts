export interface EndWatch {
  /** Raised on the first SIGINT, SIGTERM or SIGHUP. */
  readonly signal: AbortSignal;
  /** Settles then. */
  readonly asked: Promise<void>;
  /** Tells a `berth up --detach` that waits for it. */
  reportReady(): void;
}

const IMPATIENT_EXIT_CODE = 130;

/** From now on signals end us in order; a second one does not wait for that. */
export function watchForEnd(): EndWatch {
  const end = new AbortController();
  const asked = new Promise<void>((resolve) => {
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(name, () => {
        if (end.signal.aborted && name === "SIGINT") process.exit(IMPATIENT_EXIT_CODE);
        end.abort();
        resolve();
      });
    }
  });
  return { signal: end.signal, asked, reportReady };
}

function reportReady(): void {
  if (!process.send) return;
  process.send({ type: "ready" });
  process.disconnect();
}
