import type { Bytes } from "../model/bytes.ts";
import { parseReference } from "../model/reference.ts";

/** What Docker itself sets for `FROM`; no registry is ever in them. */
const VARIABLE_REGEXP = /\$(?:\{(\w{1,100})(?::?([-+])([^{}]*))?\}|(\w{1,100}))/g;

/**
 * Finds the registries that a Dockerfile takes images from: those of `FROM` and `COPY --from`, with
 * the arguments of the build filled in. What is no name of an image, such as one that a later
 * argument makes, is passed over; the builder says what is wrong with it.
 *
 * @param content The Dockerfile.
 * @param buildArgs The arguments of the build.
 * @returns The registries, each once.
 */
export function registriesOf(
  content: Bytes,
  buildArgs: Readonly<Record<string, string | null>>,
): readonly string[] {
  const values = new Map<string, string>();
  const stages = new Set<string>(["scratch"]);
  const registries = new Set<string>();
  const use = (image: string): void => {
    const name = expand(image, values);
    if (stages.has(name.toLowerCase()) || /^\d+$/.test(name)) return;
    try {
      registries.add(parseReference(name).registry);
    } catch {
      // No name of an image.
    }
  };
  let isGlobal = true;
  for (const line of instructionsOf(content)) {
    const [verb = "", ...words] = line.split(/\s+/);
    const rest = words.filter((word) => !word.startsWith("--"));
    switch (verb.toUpperCase()) {
      case "ARG":
        if (isGlobal) declare(words, values, buildArgs);
        break;
      case "FROM":
        isGlobal = false;
        use(rest[0] ?? "");
        if (rest[1]?.toUpperCase() === "AS") stages.add((rest[2] ?? "").toLowerCase());
        break;
      case "COPY":
        for (const word of words) if (word.startsWith("--from=")) use(word.slice(7));
        break;
    }
  }
  return [...registries];
}

/** Cuts a Dockerfile into instructions: comments go away, lines that go on are joined. */
function instructionsOf(content: Bytes): readonly string[] {
  const lines = new TextDecoder().decode(content).split(/\r?\n/);
  const escape = lines.find((line) => !/^#\s*\w+\s*=/.test(line) || /^#\s*escape\s*=/i.test(line));
  const mark = /^#\s*escape\s*=\s*`\s*$/i.test(escape ?? "") ? "`" : "\\";
  const found: string[] = [];
  let open: string[] = [];
  for (const line of lines.map((line) => line.trim())) {
    if (line.startsWith("#") || line === "") continue;
    const isOpen = line.endsWith(mark);
    open.push(isOpen ? line.slice(0, -1) : line);
    if (isOpen) continue;
    found.push(open.join(" ").trim());
    open = [];
  }
  if (open.length > 0) found.push(open.join(" ").trim());
  return found;
}

function declare(
  words: readonly string[],
  values: Map<string, string>,
  buildArgs: Readonly<Record<string, string | null>>,
): void {
  for (const word of words) {
    const [name = "", ...rest] = word.split("=");
    const given = Object.hasOwn(buildArgs, name) ? buildArgs[name] : undefined;
    const own = rest.join("=").replace(/^(["'])(.*)\1$/s, "$2");
    const value = given ?? (rest.length === 0 ? undefined : expand(own, values));
    if (value !== undefined) values.set(name, value);
  }
}

function expand(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(VARIABLE_REGEXP, (_, braced, operator, word, plain) => {
    const value = values.get(braced ?? plain) ?? "";
    if (operator === "-") return value === "" ? word : value;
    if (operator === "+") return value === "" ? "" : word;
    return value;
  });
}
