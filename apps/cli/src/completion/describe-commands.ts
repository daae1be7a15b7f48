import type { Command } from "commander";

export interface CommandDescription {
  /** `["node", "drain"]`; empty for the program itself. */
  readonly words: readonly string[];
  readonly summary: string;
  readonly subcommands: readonly { readonly name: string; readonly summary: string }[];
  /** Long options where there are any, else short ones; the program's own everywhere. */
  readonly options: readonly { readonly flag: string; readonly summary: string }[];
  /** What `berth <kind> -o name` completes the arguments with; files, or nothing. */
  readonly argument: "workload" | "node" | "file" | "choice" | "none";
  readonly choices: readonly string[];
}

/** Every command of the tree, the program first. */
export function describeCommands(program: Command): CommandDescription[] {
  const found: CommandDescription[] = [];
  const global = optionsOf(program);
  const visit = (command: Command, words: readonly string[]) => {
    const own = command === program ? [] : optionsOf(command);
    found.push({
      words,
      summary: command.description(),
      subcommands: command.commands.map((sub) => ({
        name: sub.name(),
        summary: sub.description(),
      })),
      options: [...own, ...global],
      ...argumentOf(command),
    });
    for (const sub of command.commands) visit(sub, [...words, sub.name()]);
  };
  visit(program, []);
  return found;
}

function optionsOf(command: Command): { flag: string; summary: string }[] {
  return command.options
    .filter(({ hidden }) => !hidden)
    .map(({ long, short, description }) => ({ flag: long ?? short ?? "", summary: description }));
}

function argumentOf(command: Command): Pick<CommandDescription, "argument" | "choices"> {
  const [first] = command.registeredArguments;
  if (!first) return { argument: "none", choices: [] };
  if (first.argChoices) return { argument: "choice", choices: first.argChoices };
  return { argument: kindOf(first.name()), choices: [] };
}

function kindOf(name: string): CommandDescription["argument"] {
  if (name === "file" || name === "node") return name;
  return name === "count" ? "none" : "workload";
}
