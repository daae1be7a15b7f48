import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { mutants } from "./catalogue.ts";
import { type MutantResult, tryMutants } from "./try-mutants.ts";

const USAGE = `npm run sim:mutants -- [--only TEXT] [--from S] [--workers N] [--list] [--json]

  --only TEXT    mutants with this in their name
  --from S       the first seed to try them with (1)
  --workers N    how many at a time (as many as there are processors)
  --list         name them and do nothing
  --json         the report as JSON on standard output

Exits with 1 when a mutant was missed or is out of date.`;

const OPTIONS = {
  only: { type: "string", default: "" },
  from: { type: "string", default: "1" },
  workers: { type: "string", default: String(availableParallelism()) },
  list: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

async function main(): Promise<number> {
  const { values } = parseArgs({ options: OPTIONS, strict: true });
  const chosen = mutants.filter(({ name }) => name.includes(values.only));
  if (values.help || values.list) {
    console.log(values.help ? USAGE : chosen.map(({ name, why }) => `${name}: ${why}`).join("\n"));
    return 0;
  }
  const from = Number(values.from);
  const startedMs = performance.now();
  const onResult = (result: MutantResult) => console.error(lineOf(result));
  const results = await tryMutants(chosen, { workers: Number(values.workers), from, onResult });
  const caught = results.filter(({ verdict }) => verdict === "caught").length;
  const missed = results.filter(({ verdict }) => verdict !== "caught").map(({ name }) => name);
  const wallSeconds = Math.round((performance.now() - startedMs) / 1000);
  const report = { mutants: results.length, caught, missed, wallSeconds, results };
  if (values.json) console.log(JSON.stringify(report, null, 2));
  else console.log(`${caught} of ${results.length} mutants caught in ${wallSeconds} s`);
  return missed.length === 0 && results.length > 0 ? 0 : 1;
}

function lineOf({ name, verdict, seed, violation, wallSeconds }: MutantResult): string {
  const where = seed === null ? "" : ` by seed ${seed}`;
  const what = violation === null ? "" : `: ${violation.split("\n")[0]?.slice(0, 120)}`;
  return `${verdict === "caught" ? "✓" : "✗"} ${name}: ${verdict}${where}, ${wallSeconds} s${what}`;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
