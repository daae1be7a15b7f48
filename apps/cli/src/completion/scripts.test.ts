import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { processTerminal } from "../output/terminal.ts";
import { buildProgram } from "../program.ts";
import { bashScript } from "./bash-script.ts";
import { describeCommands } from "./describe-commands.ts";
import { fishScript } from "./fish-script.ts";
import { zshScript } from "./zsh-script.ts";

const commands = describeCommands(buildProgram(processTerminal({}), () => {}));

/** What bash offers for a line whose last word is being typed. */
function complete(...words: string[]): string[] {
  const line = ["berth", ...words].map((word) => `'${word}'`).join(" ");
  const script = `${bashScript(commands)}
COMP_WORDS=(${line}); COMP_CWORD=${words.length}; _berth; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync("bash", ["-c", script], { encoding: "utf8" }).split("\n").filter(Boolean);
}

test("bash completes commands, subcommands, options and choices", () => {
  expect(complete("ap")).toEqual(["apply"]);
  expect(complete("node", "un")).toEqual(["uncordon"]);
  expect(complete("apply", "--ti")).toEqual(["--timeout"]);
  expect(complete("ls", "no")).toEqual(["nodes"]);
  expect(complete("completion", "z")).toEqual(["zsh"]);
  expect(complete("what-if", "dr")).toEqual(["drain"]);
  expect(complete("what-if", "add", "--li")).toEqual(["--like"]);
});

test("bash keeps completing after an option", () => {
  expect(complete("--json", "node", "dr")).toEqual(["drain"]);
});

test("every command has a line in every shell's script", () => {
  const names = commands.map(({ words }) => words.at(-1) ?? "").filter((name) => name !== "");
  for (const script of [bashScript(commands), zshScript(commands), fishScript(commands)]) {
    for (const name of names) expect(script).toContain(name);
  }
});

test("every command says what it does", () => {
  expect(commands.filter(({ summary }) => summary === "")).toEqual([]);
});
