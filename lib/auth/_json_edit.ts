/**
 * Edits of a JSON text that leave every other character as it is: numbers beyond 2^53, the order of
 * keys and the indentation of others survive. The text has passed `JSON.parse` before, so the
 * grammar is not checked again.
 */

/** One member of an object, as places in the text. */
interface Member {
  readonly key: string;
  /** Where the key begins. */
  readonly start: number;
  /** Where the value begins. */
  readonly value: number;
  /** Behind the value. */
  readonly end: number;
}

/** An object: where its braces are, and what is between them. */
interface Span {
  readonly open: number;
  readonly close: number;
  readonly members: readonly Member[];
}

function skipBlanks(text: string, at: number): number {
  while (/[\s\ufeff]/.test(text.charAt(at))) at++;
  return at;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charAt(at) !== '"') at += text.charAt(at) === "\\" ? 2 : 1;
  return at + 1;
}

function endOfValue(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length;) {
    const char = text.charAt(at);
    if (char === '"') {
      at = endOfString(text, at);
      continue;
    }
    if (depth === 0 && /[\s,}\]]/.test(char)) return at;
    if (char === "{" || char === "[") depth++;
    if ((char === "}" || char === "]") && --depth === 0) return at + 1;
    at++;
  }
  return text.length;
}

/** Reads the object that begins at `open`; nothing when another value does. */
function spanAt(text: string, open: number): Span | undefined {
  if (text.charAt(open) !== "{") return undefined;
  const members: Member[] = [];
  let at = skipBlanks(text, open + 1);
  while (text.charAt(at) === '"') {
    const start = at;
    at = endOfString(text, start);
    const key = String(JSON.parse(text.slice(start, at)));
    const value = skipBlanks(text, skipBlanks(text, at) + 1);
    const end = endOfValue(text, value);
    members.push({ key, start, value, end });
    at = skipBlanks(text, end);
    if (text.charAt(at) === ",") at = skipBlanks(text, at + 1);
  }
  return { open, close: at, members };
}

/** How the document is laid out: the indentation of one level, or nothing on one line. */
function indentOf(text: string, root: Span): string | undefined {
  const [first] = root.members;
  if (first === undefined) return "\t";
  const blanks = text.slice(root.open + 1, first.start);
  const newline = blanks.lastIndexOf("\n");
  return newline < 0 ? undefined : blanks.slice(newline + 1);
}

function splice(text: string, start: number, end: number, insert: string): string {
  return text.slice(0, start) + insert + text.slice(end);
}

/**
 * Sets a value, and makes the objects on the way to it that are missing or are none. Where a key
 * stands twice its last place counts, as for `JSON.parse`.
 *
 * @param text A JSON object.
 * @param path The keys that lead to the value.
 * @param value The value.
 */
export function setValue(text: string, path: readonly string[], value: unknown): string {
  let span = spanAt(text, skipBlanks(text, 0));
  if (span === undefined) throw new TypeError("Cannot edit JSON: it is no object");
  const indent = indentOf(text, span);
  const write = (written: unknown, depth: number): string => {
    if (indent === undefined) return JSON.stringify(written);
    return JSON.stringify(written, null, "\t")
      .replace(/^\t+/gm, (tabs) => indent.repeat(tabs.length))
      .replaceAll("\n", `\n${indent.repeat(depth)}`);
  };
  for (let depth = 1;; depth++) {
    const key = path[depth - 1] ?? "";
    const member: Member | undefined = span.members.findLast((candidate) => candidate.key === key);
    const isLast = depth === path.length;
    const child: Span | undefined = isLast || member === undefined
      ? undefined
      : spanAt(text, member.value);
    if (child !== undefined) {
      span = child;
      continue;
    }
    const rest = path.slice(depth).reduceRight<unknown>(
      (inner, name) => Object.fromEntries([[name, inner]]),
      value,
    );
    const written = write(rest, depth);
    if (member !== undefined) return splice(text, member.value, member.end, written);
    const colon = indent === undefined ? ":" : ": ";
    const added = `${JSON.stringify(key)}${colon}${written}`;
    const last = span.members.at(-1);
    const line = indent === undefined ? "" : `\n${indent.repeat(depth)}`;
    if (last !== undefined) {
      const blanks = text.slice(span.open + 1, span.members[0]?.start);
      return splice(text, last.end, last.end, `,${blanks}${added}`);
    }
    const end = indent === undefined ? "" : `\n${indent.repeat(depth - 1)}`;
    return splice(text, span.open + 1, span.close, `${line}${added}${end}`);
  }
}

function removeAt(text: string, span: Span, index: number): string {
  const { members } = span;
  const [before, member, after] = [members[index - 1], members[index], members[index + 1]];
  if (member === undefined) return text;
  if (after !== undefined) return splice(text, member.start, after.start, "");
  if (before !== undefined) return splice(text, before.end, member.end, "");
  return splice(text, span.open + 1, span.close, "");
}

/** Removes members of the object that begins at `open`, and of every object that `path` leads to. */
function removeBelow(
  text: string,
  open: number,
  path: readonly string[],
  isUnwanted: (key: string) => boolean,
): string {
  const span = spanAt(text, open);
  if (span === undefined) return text;
  const [next, ...rest] = path;
  let edited = text;
  // From the back: places before an edit stay as they are.
  for (let i = span.members.length - 1; i >= 0; i--) {
    const member = span.members[i];
    if (member === undefined) continue;
    if (next === undefined) {
      const now = spanAt(edited, open);
      if (now !== undefined && isUnwanted(member.key)) edited = removeAt(edited, now, i);
    } else if (member.key === next) {
      edited = removeBelow(edited, member.value, rest, isUnwanted);
    }
  }
  return edited;
}

/**
 * Removes members of an object, wherever their keys stand; also in objects that stand twice, since
 * readers disagree which one counts.
 *
 * @param text A JSON object.
 * @param path The keys that lead to the object.
 * @param isUnwanted Chooses the members by their keys.
 */
export function removeMembers(
  text: string,
  path: readonly string[],
  isUnwanted: (key: string) => boolean,
): string {
  return removeBelow(text, skipBlanks(text, 0), path, isUnwanted);
}
