import type { Command } from "./_command.ts";
import { completedOptions, completedWords } from "./_completed.ts";

/** Lists what an option of a command can be written as. */
function optionWords(command: Command): string[] {
  return Object.entries(completedOptions(command)).flatMap(([name, { short }]) =>
    short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`]
  );
}

/** Writes the completions for bash: commands, options, fixed words, and files otherwise. */
export function bashCompletions(commands: readonly Command[]): string {
  const cases = commands.map((command) => {
    const words = completedWords(command, commands) ?? [];
    return `    ${command.name}) options='${optionWords(command).join(" ")}' words='${
      words.join(" ")
    }' ;;`;
  });
  const names = commands.map(({ name }) => name);
  return `# Completions of lading for bash, written by: lading completions bash
_lading() {
  local current=\${COMP_WORDS[COMP_CWORD]} command= options='--help --version' words= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [[ \${COMP_WORDS[i]} != -* ]]; then
      command=\${COMP_WORDS[i]}
      break
    fi
  done
  case $command in
    '') words='${names.join(" ")}' ;;
${cases.join("\n")}
  esac
  [[ $current == -* ]] && words=$options
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o bashdefault -o default -F _lading lading
`;
}
