import { Refusal } from "./_fake_engine_refusal.ts";

/** One instruction of a Dockerfile. */
export interface Instruction {
  /** Its name in lower case. */
  readonly name: string;
  /** What stands behind the name and the flags. */
  readonly rest: string;
  /** The flags: `--from=x` is `from` and `x`. */
  readonly flags: ReadonlyMap<string, string>;
  /** The whole of it, as steps are named. */
  readonly text: string;
}

const KNOWN: ReadonlySet<string> = new Set([
  "add",
  "arg",
  "cmd",
  "copy",
  "entrypoint",
  "env",
  "expose",
  "from",
  "healthcheck",
  "label",
  "maintainer",
  "onbuild",
  "run",
  "shell",
  "stopsignal",
  "user",
  "volume",
  "workdir",
]);

/** Reads a Dockerfile. */
export function parseDockerfile(text: string, path: string): Instruction[] {
  if (text === "") throw new Refusal(400, `the Dockerfile (${path}) cannot be empty`);
  const instructions: Instruction[] = [];
  let open = "";
  let start = 0;
  for (const [i, line] of text.replace(/^\uFEFF/, "").split(/\r?\n/).entries()) {
    // Comments and empty lines may stand between continued lines.
    if (/^\s*(#|$)/.test(line)) continue;
    if (open === "") start = i + 1;
    const isContinued = /\\[ \t]*$/.test(line);
    open += line.replace(/\\[ \t]*$/, "");
    if (isContinued) continue;
    instructions.push(parseInstruction(open.trim(), start));
    open = "";
  }
  if (open.trim() !== "") instructions.push(parseInstruction(open.trim(), start));
  if (instructions.length === 0) {
    throw new Refusal(400, "failed to parse Dockerfile: file with no instructions");
  }
  return instructions;
}

/** Reads one instruction. */
export function parseInstruction(text: string, line: number): Instruction {
  const [, word = "", behind = ""] = /^(\S+)\s*([\s\S]*)$/.exec(text) ?? [];
  const name = word.toLowerCase();
  const where = `dockerfile parse error line ${line}`;
  if (!KNOWN.has(name)) {
    throw new Refusal(400, `${where}: unknown instruction: ${word.toUpperCase()}`);
  }
  const flags = new Map<string, string>();
  let rest = behind;
  for (;;) {
    const [all, flag, value = ""] = /^--([a-z]+)(?:=(\S*))?(?:\s+|$)/.exec(rest) ?? [];
    if (all === undefined || flag === undefined) break;
    flags.set(flag, value);
    rest = rest.slice(all.length);
  }
  if (rest === "") throw new Refusal(400, `${where}: ${word.toUpperCase()} requires arguments`);
  return { name, rest, flags, text: `${word.toUpperCase()} ${behind}` };
}

/** The words of an instruction: those of a JSON list, or what blanks part. */
export function wordsOf(rest: string): string[] {
  return jsonList(rest) ?? splitWords(rest);
}

/** A list in JSON; `undefined` for anything else. */
export function jsonList(rest: string): string[] | undefined {
  if (!rest.startsWith("[")) return undefined;
  try {
    const value: unknown = JSON.parse(rest);
    const isList = Array.isArray(value) && value.every((item) => typeof item === "string");
    return isList ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Parts at blanks that are not quoted; quotes and backslashes go. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  const pattern = /(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])+/gs;
  for (const [word] of text.matchAll(pattern)) {
    words.push(word.replace(
      /"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)/gs,
      (_, double?: string, single?: string, escaped?: string) =>
        double?.replace(/\\(["\\$])/g, "$1") ?? single ?? escaped ?? "",
    ));
  }
  return words;
}

/** Puts values in place of `$name`, `${name}`, `${name:-default}` and `${name:+instead}`. */
export function expand(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(
    /\\(\$)|\$(\w+)|\$\{(\w+)(?::([-+])([^}]*))?\}/g,
    (_, escaped?: string, bare?: string, name = bare ?? "", sign?: string, word = "") => {
      if (escaped !== undefined) return escaped;
      const value = values.get(name) ?? "";
      if (sign === "-") return value === "" ? word : value;
      return sign === "+" ? (value === "" ? "" : word) : value;
    },
  );
}
