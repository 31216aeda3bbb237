// What Go's strings and path/filepath do, which moby's matcher is written with.

/** Tells whether Go takes a character for white space: no U+FEFF, but U+0085. */
function isSpace(code: number): boolean {
  return code >= 9 && code <= 13 || code === 0x85 || code !== 0xfeff && code >= 0x20 &&
      /\s/.test(String.fromCharCode(code));
}

/** Cuts white space off both ends (`strings.TrimSpace`). */
export function trimSpace(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (start < end && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** Gives the shortest path that means the same (`filepath.Clean`); "." for nothing. */
export function cleanPath(path: string): string {
  const isRooted = path.startsWith("/");
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else if (!isRooted) parts.push(part);
  }
  const text = parts.join("/");
  return isRooted ? `/${text}` : text === "" ? "." : text;
}

/** Gives every directory above a path, the uppermost first; none at the root. */
export function parentsOf(path: string): readonly string[] {
  const parent = cleanPath(path.slice(0, path.lastIndexOf("/") + 1));
  if (parent === ".") return [];
  const parts = parent.split("/");
  return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
}
