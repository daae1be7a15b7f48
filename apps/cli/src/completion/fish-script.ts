import type { CommandDescription } from "./describe-commands.ts";

const WORKLOADS = "(berth ls workloads -o name 2>/dev/null | string replace -r '^default/' '')";
const NODES = "(berth ls nodes -o name 2>/dev/null)";

export function fishScript(commands: readonly CommandDescription[]): string {
  const lines = ["# fish completion for berth", "complete -c berth -f"];
  for (const command of commands) {
    const condition = `-n ${quote(conditionOf(command))}`;
    for (const { name, summary } of command.subcommands) {
      lines.push(`complete -c berth ${condition} -a ${name} -d ${quote(summary)}`);
    }
    for (const { flag, summary } of command.options) {
      const option = flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`;
      lines.push(`complete -c berth ${condition} ${option} -d ${quote(summary)}`);
    }
    const values = valuesOf(command);
    if (values !== null) lines.push(`complete -c berth ${condition} ${values}`);
  }
  return `${lines.join("\n")}\n`;
}

function conditionOf({ words, subcommands }: CommandDescription): string {
  if (words.length === 0) return "__fish_use_subcommand";
  const seen = words.map((word) => `__fish_seen_subcommand_from ${word}`).join("; and ");
  if (subcommands.length === 0) return seen;
  const names = subcommands.map(({ name }) => name).join(" ");
  return `${seen}; and not __fish_seen_subcommand_from ${names}`;
}

function valuesOf({ argument, choices }: CommandDescription): string | null {
  switch (argument) {
    case "workload":
      return `-a ${quote(WORKLOADS)}`;
    case "node":
      return `-a ${quote(NODES)}`;
    case "file":
      return "-F";
    case "choice":
      return `-a ${quote(choices.join(" "))}`;
    case "none":
      return null;
  }
}

/** Within single quotes fish knows only these two escapes. */
function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
