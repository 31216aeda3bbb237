import type { Command, OptionSpec } from "./_command.ts";
import { completedOptions, completedWords } from "./_completed.ts";

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Escapes what ends a description of `_arguments`. */
function described(text: string): string {
  return text.replace(/[\\[\]:]/g, "\\$&");
}

function optionSpecs([name, { short, value, help }]: [string, OptionSpec]): string[] {
  const argument = value === undefined ? "" : `:${described(value)}:`;
  const spec = (option: string) => quoted(`${option}[${described(help)}]${argument}`);
  return short === undefined ? [spec(`--${name}`)] : [spec(`--${name}`), spec(`-${short}`)];
}

function commandCase(command: Command, commands: readonly Command[]): string {
  const specs = Object.entries(completedOptions(command)).flatMap(optionSpecs);
  const words = completedWords(command, commands);
  const first = words === undefined ? [] : [quoted(`1:word:(${words.join(" ")})`)];
  const rest = words === undefined || command.commands !== undefined ? ["'*:place:_files'"] : [];
  const all = [...specs, ...first, ...rest];
  return `    ${command.name}) _arguments ${all.join(" \\\n      ")} ;;`;
}

/** Writes the completions for zsh. */
export function zshCompletions(commands: readonly Command[]): string {
  const names = commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`);
  return `#compdef lading
# Completions of lading for zsh, written by: lading completions zsh
_lading() {
  local -a commands
  commands=(
${names.join("\n")}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  shift words
  ((CURRENT--))
  case $words[1] in
${commands.map((command) => commandCase(command, commands)).join("\n")}
  esac
}
if [[ $funcstack[1] == _lading ]]; then
  _lading "$@"
else
  compdef _lading lading
fi
`;
}
