import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { describeReport, ReportBuilder } from "./cli/report.ts";
import { runSeeds, type SeedListener, type SeedRange } from "./cli/run-seeds.ts";
import { runSeed } from "./run-seed.ts";

const USAGE = `npm run sim -- [--seeds N] [--from S] [--seed X] [--workers N] [--first] [--transcript] [--json]

  --seeds N      how many worlds to run (100)
  --from S       the first seed (1)
  --seed X       this one only
  --workers N    threads (as many as there are processors)
  --first        end with the first seed that fails
  --transcript   print what happened, with --seed
  --json         the report as JSON on standard output

Exits with 1 when an invariant did not hold, with 2 when it was called wrongly.`;

const OPTIONS = {
  seeds: { type: "string", default: "100" },
  from: { type: "string", default: "1" },
  seed: { type: "string" },
  workers: { type: "string", default: String(availableParallelism()) },
  first: { type: "boolean", default: false },
  transcript: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;
const PROGRESS_INTERVAL_MS = 5_000;

async function main(): Promise<number> {
  const { values } = parseArgs({ options: OPTIONS, strict: true });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const report = new ReportBuilder();
  if (values.seed === undefined) {
    const seeds = positive("seeds", values.seeds);
    const from = positive("from", values.from);
    const workers = positive("workers", values.workers);
    await runRange(report, { seeds, from, workers }, values.first);
  } else {
    const isShown = values.transcript && !values.json;
    report.add(
      await runSeed(positive("seed", values.seed), (line) => {
        if (isShown) console.log(line);
      }),
    );
  }
  const built = report.build();
  console.log(values.json ? JSON.stringify(built, null, 2) : describeReport(built));
  return built.violationCount === 0 ? 0 : 1;
}

/** An interrupt ends it early; the report then tells of what was run. */
async function runRange(
  report: ReportBuilder,
  range: SeedRange,
  endsWithFirst: boolean,
): Promise<void> {
  const interrupt = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => interrupt.abort());
  }
  const progress = setInterval(() => {
    console.error(`${report.seeds} of ${range.seeds} seeds, ${report.violationCount} violations`);
  }, PROGRESS_INTERVAL_MS);
  const listener: SeedListener = {
    onResult: (result) => {
      report.add(result);
      if (endsWithFirst && result.violation !== null) interrupt.abort();
    },
    onFailure: (failure) => {
      report.addFailure(failure);
      if (endsWithFirst) interrupt.abort();
    },
  };
  await runSeeds(range, listener, interrupt.signal);
  clearInterval(progress);
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new TypeError(`--${name} takes a whole number above 0, not '${text}'`);
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  process.exitCode = 2;
}
