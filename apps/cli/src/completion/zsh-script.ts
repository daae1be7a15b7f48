import type { CommandDescription } from "./describe-commands.ts";

export function zshScript(commands: readonly CommandDescription[]): string {
  const known = commands.map(({ words }) => quote(words.join(" "))).join(" | ");
  const cases = commands.map((command) => {
    const candidates = [
      ...command.subcommands.map(({ name, summary }) => `${name}:${summary}`),
      ...command.choices,
    ];
    const options = command.options.map(({ flag, summary }) => `${flag}:${summary}`);
    return `    ${quote(command.words.join(" "))})
      candidates=(${candidates.map(candidate).join(" ")})
      options=(${options.map(candidate).join(" ")})
      names=${command.argument} ;;`;
  });
  return `#compdef berth
_berth() {
  local path="" try names word i
  local -a candidates options
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
    try="\${path:+$path }$word"
    case "$try" in
      ${known}) path="$try" ;;
    esac
  done
  case "$path" in
${cases.join("\n")}
  esac
  if [[ "\${words[CURRENT]}" == -* ]]; then
    _describe option options
    return
  fi
  case "$names" in
    workload) candidates+=(\${\${(f)"$(berth ls workloads -o name 2>/dev/null)"}#default/}) ;;
    node) candidates+=(\${(f)"$(berth ls nodes -o name 2>/dev/null)"}) ;;
    file) _files; return ;;
  esac
  _describe command candidates
}
compdef _berth berth
`;
}

/** A colon separates a candidate from its description. */
function candidate(text: string): string {
  const [name = "", ...summary] = text.split(":");
  return quote(summary.length === 0 ? name : `${name}:${summary.join("\\:")}`);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
