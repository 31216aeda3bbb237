import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import process from "node:process";
import { parsePlace } from "../model/place.ts";
import { isRepositoryName } from "../model/reference.ts";
import { nodeFileSystem } from "../runtime/node_file_system.ts";
import { fileUploads } from "../server/file_uploads.ts";
import type { RegistryHandlerOptions } from "../server/handler.ts";
import type { RegistryTarget } from "../server/target.ts";
import type { FileSystem } from "../store/file_system.ts";
import { memoryStore } from "../store/memory_store.ts";
import { type OCILayout, ociLayout } from "../store/oci_layout.ts";
import { type CommandContext, flag, text, UsageError } from "./_command.ts";

/** What is served, and what has to be tidied up after it. */
export interface Served {
  readonly target: RegistryTarget;
  readonly options: RegistryHandlerOptions;
  close(): void;
}

/** Gives the directory that a place names: `oci:DIR`, or a path as it is. */
function directoryOf(text: string): string {
  if (!/^[a-z-]+:/.test(text)) return text;
  const place = parsePlace(text);
  if (place.transport !== "oci" || place.reference !== undefined) {
    throw new UsageError(`lading serve takes a directory or oci:DIR, not ${JSON.stringify(text)}`);
  }
  return place.path;
}

/** Chooses the repository of tags that stand in the layout without one. */
function repositoryOf(context: CommandContext, directory: string): string {
  const wanted = text(context, "repository");
  if (wanted !== undefined && !isRepositoryName(wanted)) {
    throw new UsageError(`--repository takes a repository name, not ${JSON.stringify(wanted)}`);
  }
  const name = basename(resolve(directory)).toLowerCase();
  return wanted ?? (isRepositoryName(name) ? name : "image");
}

async function refuseAbsent(layout: OCILayout, context: CommandContext): Promise<void> {
  for await (const _root of layout.roots({ signal: context.signal })) return;
}

/** Opens the layout in a directory, which may be none yet. */
export async function openDirectory(
  place: string,
): Promise<
  { fileSystem: FileSystem; directory: string; target: OCILayout }
> {
  const directory = directoryOf(place);
  const fileSystem = nodeFileSystem();
  const info = await fileSystem.stat(directory);
  if (info !== undefined && info.type !== "directory") {
    throw new UsageError(`${JSON.stringify(directory)} is no directory; lading serve serves those`);
  }
  return { fileSystem, directory, target: ociLayout(fileSystem, directory) };
}

/** Opens what `lading serve` serves: memory, or the layout that the first argument names. */
export async function openServed(context: CommandContext): Promise<Served> {
  const [place] = context.args;
  if (place === undefined) {
    return { target: memoryStore(), options: {}, close: () => {} };
  }
  const { fileSystem, directory, target } = await openDirectory(place);
  const defaultRepository = repositoryOf(context, directory);
  if (flag(context, "read-only")) {
    await refuseAbsent(target, context);
    return { target, options: { defaultRepository }, close: () => {} };
  }
  const folder = mkdtempSync(join(tmpdir(), "lading-uploads-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  // A second signal ends the process before it comes to close this.
  process.on("exit", remove);
  return {
    target,
    options: { defaultRepository, uploads: fileUploads(fileSystem, folder) },
    close() {
      process.off("exit", remove);
      remove();
    },
  };
}
