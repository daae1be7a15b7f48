/** Prints the load of the node it runs on, again and again. */
import { freemem, loadavg, totalmem } from "node:os";

const intervalMs = Number(process.env.INTERVAL_SECONDS ?? 30) * 1000;

function print() {
  const load = loadavg()
    .map((value) => value.toFixed(2))
    .join(" ");
  const freePercent = Math.round((freemem() / totalmem()) * 100);
  process.stdout.write(`${new Date().toISOString()}  load ${load}  memory free ${freePercent} %\n`);
}

print();
setInterval(print, intervalMs);
