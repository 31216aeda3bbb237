import type { BuildContext, PackOptions } from "./build_context.ts";

/** By what contexts that are objects are told apart. */
const KINDS = ["directory", "entries", "remote", "dockerfile", "file"] as const;

/**
 * Refuses what is no context at all, and what is no path of a Dockerfile, before anything is opened.
 *
 * @throws {TypeError} when it is none.
 */
export function checkContext(context: BuildContext, { dockerfile }: PackOptions): void {
  if (!isContext(context)) {
    throw new TypeError(
      "Cannot build: there is no context; give a directory, entries, an archive, a URL or a " +
        "Dockerfile",
    );
  }
  if (typeof dockerfile !== "string" || isPath(dockerfile) && !/\p{Cc}/u.test(dockerfile)) return;
  throw new TypeError(`Cannot build: ${JSON.stringify(dockerfile)} is no path of a Dockerfile`);
}

function isContext(context: unknown): boolean {
  if (typeof context === "string") return isPath(context);
  if (typeof context === "function") return true;
  if (typeof context !== "object" || context === null) return false;
  if (context instanceof Uint8Array || context instanceof ReadableStream) return true;
  if (context instanceof Blob) return true;
  const [kind] = KINDS.filter((name) => name in context);
  if (kind === undefined) return false;
  const { [kind]: value } = context as Readonly<Record<string, unknown>>;
  if (kind === "directory" || kind === "file") return isPath(value);
  if (kind === "entries") return isIterable(value);
  return value !== undefined && value !== null;
}

/** Lists, maps and sets have a method of this name, and are no contexts. */
function isIterable(value: unknown): boolean {
  return typeof value === "object" && value !== null &&
    (Symbol.iterator in value || Symbol.asyncIterator in value);
}

function isPath(value: unknown): boolean {
  return typeof value === "string" && value.trim() !== "" && !value.includes("\0");
}
