import type { Command } from "commander";
import { bashScript } from "../completion/bash-script.ts";
import { describeCommands } from "../completion/describe-commands.ts";
import { fishScript } from "../completion/fish-script.ts";
import type { Shell } from "../completion/shells.ts";
import { zshScript } from "../completion/zsh-script.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";

/** `berth completion`: a script made from the command tree itself. */
export async function completion(
  context: Context,
  program: Command,
  shell: Shell,
): Promise<ExitCode> {
  const commands = describeCommands(program);
  context.terminal.out.write(scriptFor(shell, commands));
  return exitCodes.done;
}

function scriptFor(shell: Shell, commands: ReturnType<typeof describeCommands>): string {
  switch (shell) {
    case "bash":
      return bashScript(commands);
    case "zsh":
      return zshScript(commands);
    case "fish":
      return fishScript(commands);
  }
}
