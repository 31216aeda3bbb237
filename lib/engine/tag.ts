import type { CallOptions } from "../model/content.ts";
import type { EngineClient } from "./engine_client.ts";
import { imageName, tagName } from "./names.ts";

/** Options of {@linkcode EngineImages.tag}. */
export interface TagOptions extends CallOptions {
  /** The tag; it goes before one in the name. */
  readonly tag?: string | undefined;
}

/** Gives an image one more name; gives the name as Docker shows it. */
export async function tagImage(
  client: EngineClient,
  image: string,
  name: string,
  { tag, signal }: TagOptions = {},
): Promise<string> {
  const source = imageName(image);
  const target = tagName(name, tag);
  const answer = await client.send({
    action: `tag image ${source.shown} as ${JSON.stringify(target.name)}`,
    method: "POST",
    path: `/images/${source.path}/tag`,
    query: { repo: target.repository, tag: target.tag },
    isAboutImage: true,
    signal,
  });
  await answer.body.cancel();
  return target.name;
}
