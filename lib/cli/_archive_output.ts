import { resolveImage } from "../image/resolve_image.ts";
import type { ByteStream } from "../model/bytes.ts";
import { parsePlace, positionIn } from "../model/place.ts";
import type { Platform } from "../model/platform.ts";
import { familiarReference, parseReference, withDefaultTag } from "../model/reference.ts";
import { hostPlatform } from "../runtime/host_platform.ts";
import { type OpenedPlace, openSource } from "../runtime/open.ts";
import type { Source } from "../model/content.ts";
import { writeDockerArchive, writeOCIArchive } from "../store/write_archive.ts";
import { type CommandContext, UsageError } from "./_command.ts";
import { openOptions } from "./_options.ts";

/** The place of an archive that is written to stdout: `docker-archive:-[:NAME]`. */
interface ArchiveOutput {
  readonly transport: "oci-archive" | "docker-archive";
  /** The name that the image gets; without one, the name it has. */
  readonly reference: string | undefined;
}

/** Reads a place; `undefined` when it is no archive for stdout. */
export function archiveOutput(to: string): ArchiveOutput | undefined {
  const place = parsePlace(to);
  const isArchive = place.transport === "oci-archive" || place.transport === "docker-archive";
  if (!isArchive || place.path !== "-") return undefined;
  return { transport: place.transport, reference: place.reference };
}

/** Writes an image as an archive to stdout. */
export async function writeArchive(
  context: CommandContext,
  from: string,
  to: ArchiveOutput,
  platform: Platform | "all" | undefined,
): Promise<void> {
  const { signal, output } = context;
  const source = openSource(from, openOptions(context));
  try {
    const { content } = source;
    const descriptor = await resolveImage(content, source.reference, platform, { signal });
    const reference = to.reference ?? nameOf(source);
    const write = to.transport === "oci-archive" ? writeOCIArchive : writeDockerArchive;
    const archive: ByteStream = write(content, [{ descriptor, reference }], {
      platform: hostPlatform(),
      signal,
    });
    await output.bytes(archive);
  } finally {
    await source.close();
  }
}

function nameOf({ place, reference }: OpenedPlace<Source>): string | undefined {
  if (place.transport !== "docker") {
    return reference === "" || positionIn(reference) !== undefined ? undefined : reference;
  }
  const { digest, ...named } = withDefaultTag(parseReference(place.reference));
  return digest === undefined || named.tag !== undefined ? familiarReference(named) : undefined;
}

/** Refuses options that have no meaning for what is written to. */
export function refuseFor(what: string, context: CommandContext, names: readonly string[]): void {
  const given = names.find((name) => context.options.has(name));
  if (given !== undefined) throw new UsageError(`--${given} does not go with ${what}`);
}
