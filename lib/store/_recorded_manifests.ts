import type { Descriptor } from "../model/descriptor.ts";
import { isLadingError } from "../model/errors.ts";
import { childDescriptors, MAX_MANIFEST_BYTES } from "../model/manifest.ts";
import { parseManifest } from "../model/parse_manifest.ts";
import { isIndexType, isManifestType } from "../model/media_types.ts";
import { type ArchiveFiles, readMember } from "./_archive.ts";
import { FileSystemError } from "./file_system.ts";
import { MAX_LAYOUT_INDEX_BYTES, parseLayoutIndex } from "./_layout_index.ts";
import type { FileMember, TarMembers } from "./_tar_members.ts";

/** How many manifests of an archive are looked at: each is a file of it. */
const MAX_RECORDED = 10_000;

/** A manifest that is a file of an archive. */
export interface RecordedManifest {
  readonly descriptor: Descriptor;
  readonly member: FileMember;
}

/** The manifests of an archive by what they are made of; `several` where more than one says that. */
export type RecordedManifests = ReadonlyMap<string, RecordedManifest | "several">;

/** Names what a manifest is made of. */
export function madeOf(config: Descriptor, layers: readonly Descriptor[]): string {
  return [config, ...layers].map(({ digest }) => digest).join(" ");
}

/**
 * Lists the manifests of images that `index.json` of an archive leads to. Nothing depends on them,
 * and archives are known with an `index.json` that leaves images out or is damaged (moby#47210,
 * moby#51389): what cannot be read is passed over.
 */
export async function recordedManifests(
  archive: ArchiveFiles,
  members: TarMembers,
  files: ReadonlyMap<string, FileMember>,
): Promise<RecordedManifests> {
  const found = new Map<string, RecordedManifest | "several">();
  const queue = await rootsIn(archive, members);
  const seen = new Set<string>();
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const member = files.get(next.digest);
    const isNew = !seen.has(next.digest) && seen.size < MAX_RECORDED;
    if (!isNew || member === undefined || member.size !== next.size) continue;
    seen.add(next.digest);
    if (!isIndexType(next.mediaType) && !isManifestType(next.mediaType)) continue;
    const { mediaType, digest, size } = next;
    const parsed = await quietly(async () =>
      parseManifest(await readMember(archive, member, digest, MAX_MANIFEST_BYTES), mediaType)
    );
    if (parsed?.kind === "index") queue.push(...childDescriptors(parsed));
    if (parsed?.kind !== "image") continue;
    const key = madeOf(parsed.value.config, parsed.value.layers);
    found.set(
      key,
      found.has(key) ? "several" : { descriptor: { mediaType, digest, size }, member },
    );
  }
  return found;
}

async function rootsIn(archive: ArchiveFiles, members: TarMembers): Promise<Descriptor[]> {
  const parsed = await quietly(async () => {
    const member = members.find("index.json");
    if (member === undefined) return undefined;
    const raw = await readMember(archive, member, "index.json", MAX_LAYOUT_INDEX_BYTES);
    return parseLayoutIndex(raw, archive.place);
  });
  return [...parsed?.manifests ?? []];
}

async function quietly<Value>(work: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isLadingError(error) && !(error instanceof FileSystemError)) return undefined;
    throw error;
  }
}
