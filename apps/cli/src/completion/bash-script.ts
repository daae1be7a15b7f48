import type { CommandDescription } from "./describe-commands.ts";

/** Names of workloads and nodes are asked of the cluster; without one there are simply none. */
export function bashScript(commands: readonly CommandDescription[]): string {
  const cases = commands.map((command) => {
    const words = [
      ...command.subcommands.map(({ name }) => name),
      ...command.options.map(({ flag }) => flag),
      ...command.choices,
    ];
    return `    "${command.words.join(" ")}") words="${words.join(" ")}"; names="${command.argument}" ;;`;
  });
  const known = commands.map(({ words }) => `"${words.join(" ")}"`).join(" | ");
  return `# bash completion for berth
_berth() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" path="" try words names i
  for ((i = 1; i < COMP_CWORD; i++)); do
    try="\${path:+$path }\${COMP_WORDS[i]}"
    case "$try" in
      ${known}) path="$try" ;;
    esac
  done
  case "$path" in
${cases.join("\n")}
  esac
  case "$cur:$names" in
    -*) ;;
    *:workload) words="$words $(berth ls workloads -o name 2>/dev/null | sed 's,^default/,,')" ;;
    *:node) words="$words $(berth ls nodes -o name 2>/dev/null)" ;;
    *:file) COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames; return ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _berth berth
`;
}
