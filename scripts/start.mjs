/** `npm start`: makes the clone ready, then runs `berth up` with the same arguments. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";
import { bootstrap } from "./bootstrap.mjs";

const PARENT_LOOK_MS = 500;
/** A terminal's Ctrl-C arrives here twice, from the terminal and from npm: it is one wish. */
const SAME_SIGNAL_MS = 300;

await bootstrap().catch((/** @type {Error} */ error) => {
  process.stderr.write(`berth: ${error.message}\n`);
  process.exit(1);
});

const cli = fileURLToPath(new URL("../apps/cli/bin/berth.cjs", import.meta.url));
// Its own session, so that signals reach it only from here, each of them once.
const berth = spawn(process.execPath, [cli, "up", ...process.argv.slice(2)], {
  stdio: "inherit",
  detached: true,
});

for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
  let forwardedAt = Number.NEGATIVE_INFINITY;
  process.on(signal, () => {
    const now = performance.now();
    if (now - forwardedAt < SAME_SIGNAL_MS) return;
    forwardedAt = now;
    berth.kill(signal);
  });
}

// npm ends at a SIGTERM and passes it on to nobody: that it is gone is all there is to see.
if (process.env["npm_lifecycle_event"] !== undefined) {
  const { ppid } = process;
  const look = setInterval(() => {
    if (process.ppid === ppid) return;
    clearInterval(look);
    berth.kill("SIGTERM");
  }, PARENT_LOOK_MS);
}

berth.once("error", (error) => {
  process.stderr.write(`berth: cannot start: ${error.message}\n`);
  process.exit(1);
});
berth.once("exit", (code, signal) => {
  process.exit(code ?? 128 + (signal ? constants.signals[signal] : 0));
});
