import { entryInput } from "../tar/entry_input.ts";
import { readTar } from "../tar/reader.ts";
import type { TarInput } from "../tar/writer.ts";
import type { ByteStream } from "../model/bytes.ts";
import {
  type LayerRules,
  linkTarget,
  parentEntry,
  type PlacedEntry,
  placeEntry,
} from "./_layer_rules.ts";
import type { LayerEntries, LayerEntry } from "./layer_source.ts";
import { windowsEntry, windowsRoots } from "./_windows_entry.ts";

/**
 * Puts entries in order, those of any source: by name, parents before what is in them, hard links
 * behind what they lead to. Memory grows with the number of entries, never with contents.
 */
export async function* listedInputs(
  entries: LayerEntries,
  rules: LayerRules,
): AsyncGenerator<TarInput, void, undefined> {
  const given = new Map<string, LayerEntry>();
  for await (const entry of entries) {
    const found = placeEntry(entry, rules);
    if (found === undefined) continue;
    if (given.has(found.path)) {
      throw new RangeError(`Cannot make the layer: ${JSON.stringify(found.path)} is there twice`);
    }
    given.set(found.path, found.entry);
  }
  if (rules.parents) addParents(given, rules);
  const placed = rules.isWindows ? windowsEntries(given, rules) : given;
  const names = [...placed.keys()].sort(ascending);
  const links: LayerEntry[] = [];
  for (const name of names) {
    const entry = placed.get(name);
    if (entry?.type === "hardlink") links.push(finalLink(entry, placed));
    else if (entry !== undefined) yield await opened(entry);
  }
  for (const link of links) yield await opened(link);
}

/** Rewrites the entries of an archive, in its order. */
export async function* archiveInputs(
  archive: ByteStream,
  rules: LayerRules,
): AsyncGenerator<TarInput, void, undefined> {
  if (rules.isWindows) return yield* windowsInputs(archive, rules);
  if (rules.parents && rules.prefix !== "") {
    for (const path of ancestorsOf(`${rules.prefix}/`)) {
      yield await opened(parentEntry(path, rules));
    }
  }
  for await (const { entry } of placedEntries(archive, rules)) yield await opened(entry);
}

async function* placedEntries(
  archive: ByteStream,
  rules: LayerRules,
): AsyncGenerator<PlacedEntry, void, undefined> {
  for await (const entry of readTar(archive)) {
    const input = entryInput(entry);
    const placed = input === undefined ? undefined : placeEntry(input, rules);
    if (placed !== undefined) yield placed;
  }
}

/** Rewrites the entries of an archive for Windows, each behind the directories that it lies in. */
async function* windowsInputs(
  archive: ByteStream,
  rules: LayerRules,
): AsyncGenerator<TarInput, void, undefined> {
  const directories = new Set<string>();
  const inForm = (placed: PlacedEntry): Promise<TarInput> =>
    opened(windowsEntry(placed, (path) => directories.has(path)).entry);
  for (const { entry } of windowsRoots(rules)) yield await opened(entry);
  for await (const placed of placedEntries(archive, rules)) {
    for (const path of rules.parents ? ancestorsOf(placed.path) : []) {
      if (directories.has(path)) continue;
      directories.add(path);
      yield await inForm({ path, entry: parentEntry(path, rules) });
    }
    if (placed.entry.type === "directory") directories.add(placed.path);
    yield await inForm(placed);
  }
}

function windowsEntries(
  given: ReadonlyMap<string, LayerEntry>,
  rules: LayerRules,
): Map<string, LayerEntry> {
  const isDirectory = (path: string): boolean => given.get(path)?.type === "directory";
  const placed = [...given].map(([path, entry]) => windowsEntry({ path, entry }, isDirectory));
  return new Map([...windowsRoots(rules), ...placed].map(({ path, entry }) => [path, entry]));
}

async function opened({ body, ...entry }: LayerEntry): Promise<TarInput> {
  return { ...entry, body: typeof body === "function" ? await body() : body };
}

function addParents(placed: Map<string, LayerEntry>, rules: LayerRules): void {
  for (const path of [...placed.keys()]) {
    for (const parent of ancestorsOf(path)) {
      if (!placed.has(parent)) placed.set(parent, parentEntry(parent, rules));
    }
  }
}

function* ancestorsOf(path: string): Generator<string, void, undefined> {
  for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", slash + 1)) {
    yield path.slice(0, slash);
  }
}

/** Lets a link to a link lead to the file itself, which stands before all links. */
function finalLink(link: LayerEntry, placed: ReadonlyMap<string, LayerEntry>): LayerEntry {
  let last = link;
  for (let steps = 0; steps <= placed.size; steps++) {
    const target = placed.get(linkTarget(last));
    if (target?.type !== "hardlink") {
      return { ...link, linkPath: last.linkPath, linkPathBytes: last.linkPathBytes };
    }
    last = target;
  }
  const name = JSON.stringify(link.path);
  throw new RangeError(`Cannot make the layer: the hard links from ${name} lead in a circle`);
}

function ascending(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
