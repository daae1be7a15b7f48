import type { Command } from "commander";
import type { LogFlags } from "../cluster/open-log.ts";
import type { ExportFlags } from "../commands/log-export.ts";
import { examples, type Run } from "./options.ts";

/** `berth log …`: looking after the log itself, whether the cluster runs or not. */
export function addLogCommands(program: Command, run: Run): void {
  const log = program
    .command("log")
    .description("Look after the cluster's log: its size, its soundness, backups.");
  const declare = (name: string, description: string) =>
    log
      .command(name)
      .description(description)
      .option("--server <url>", "nats://host:port (default: the home's own)")
      .option("--credentials <file>", "the scheduler's nkey seed (default: the home's own)");

  declare("stat", "Entries, bytes, age, and every snapshot with its soundness.").action(
    (flags: LogFlags, command: Command) =>
      run(command, async (context) =>
        (await import("../commands/log-stat.ts")).logStat(context, flags),
      ),
  );
  declare("verify", "Read everything: each entry, the chain, the fold, each snapshot.").action(
    (flags: LogFlags, command: Command) =>
      run(command, async (context) =>
        (await import("../commands/log-verify.ts")).logVerify(context, flags),
      ),
  );
  declare("export", "Write the log into one file. The cluster may run meanwhile.")
    .argument("<file>")
    .option("--force", "replace the file if it exists")
    .addHelpText(
      "after",
      examples(`
        berth log export backup.jsonl
        berth --home restored log import backup.jsonl && berth --home restored up`),
    )
    .action((file: string, flags: ExportFlags, command: Command) =>
      run(command, async (context) =>
        (await import("../commands/log-export.ts")).logExport(context, file, flags),
      ),
    );
  declare("import", "Put an exported log into a home that has none.")
    .argument("<file>")
    .action((file: string, flags: LogFlags, command: Command) =>
      run(command, async (context) =>
        (await import("../commands/log-import.ts")).logImport(context, file, flags),
      ),
    );
}
