/** The deepest nesting of a document; real ones have less than ten levels. */
export const MAX_JSON_DEPTH = 100;

const QUOTE = 34;
const BACKSLASH = 92;

/** Reports what is wrong with a document, and where in it. */
export type Fail = (reason: string, position?: number) => never;

/** The index behind the closing quote of the string that starts at `start`. */
function endOfString(text: string, start: number, fail: Fail): number {
  for (let i = start + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === BACKSLASH) i++;
    else if (code === QUOTE) return i + 1;
  }
  return fail("a string does not end", start);
}

function keyOf(text: string, start: number, end: number, fail: Fail): string {
  const raw = text.slice(start + 1, end - 1);
  if (!raw.includes("\\")) return raw;
  try {
    return String(JSON.parse(text.slice(start, end)));
  } catch {
    return fail("a key has a wrong escape", start);
  }
}

/**
 * Refuses nesting that is too deep and objects that have a key twice: `JSON.parse` takes the last
 * one, other readers the first, so that the two would see different images behind one digest.
 * Each character is read once; the grammar is left to `JSON.parse`.
 */
function scanStructure(text: string, fail: Fail): void {
  const open: (Set<string> | undefined)[] = [];
  let isKeyNext = false;
  for (let i = 0; i < text.length; i++) {
    switch (text.charAt(i)) {
      case "{":
      case "[":
        if (open.length === MAX_JSON_DEPTH) fail(`deeper than ${MAX_JSON_DEPTH} levels`, i);
        isKeyNext = text.charAt(i) === "{";
        open.push(isKeyNext ? new Set() : undefined);
        break;
      case "}":
      case "]":
        open.pop();
        isKeyNext = false;
        break;
      case ",":
        isKeyNext = open.at(-1) !== undefined;
        break;
      case '"': {
        const end = endOfString(text, i, fail);
        const keys = open.at(-1);
        if (isKeyNext && keys !== undefined) {
          const key = keyOf(text, i, end, fail);
          if (keys.has(key)) fail(`the key ${JSON.stringify(key.slice(0, 64))} appears twice`, i);
          keys.add(key);
        }
        isKeyNext = false;
        i = end - 1;
      }
    }
  }
}

/**
 * Parses a JSON document strictly: valid UTF-8 without a byte order mark, at most `maxBytes`, at
 * most {@linkcode MAX_JSON_DEPTH} levels, no key twice in one object.
 */
export function parseJSON(raw: Uint8Array, maxBytes: number, fail: Fail): unknown {
  if (raw.length > maxBytes) fail(`${raw.length} bytes are more than the limit of ${maxBytes}`);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
  } catch {
    return fail("not UTF-8");
  }
  scanStructure(text, fail);
  try {
    return JSON.parse(text);
  } catch {
    return fail("not JSON");
  }
}
