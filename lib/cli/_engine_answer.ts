import type { EngineImage } from "../engine/image.ts";
import type { CommandContext } from "./_command.ts";

/** What programs are told of an image; `lading engine inspect` tells all. */
export interface ImageAnswer {
  readonly id: string;
  readonly tags: readonly string[];
  readonly digests: readonly string[];
}

/** Tells programs of an image. */
export function imageAnswer({ id, tags, digests }: EngineImage): ImageAnswer {
  return { id, tags, digests };
}

/** Answers with lines, or with one document for programs. */
export async function answer(
  { options, output }: CommandContext,
  { lines, json }: { readonly lines: readonly string[]; readonly json: unknown },
): Promise<void> {
  if (options.has("json")) return await output.json(json);
  for (const line of lines) await output.line(line);
}
