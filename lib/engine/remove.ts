import type { CallOptions } from "../model/content.ts";
import type { JSONObject } from "../model/json_object.ts";
import type { Platform } from "../model/platform.ts";
import { textField } from "./_fields.ts";
import type { EngineClient } from "./engine_client.ts";
import { imageName } from "./names.ts";
import { platformJSON } from "./query.ts";

/** Options of {@linkcode EngineImages.remove}. */
export interface RemoveOptions extends CallOptions {
  /** Removes it with all its names, and though a stopped container uses it. */
  readonly force?: boolean | undefined;
  /** Keeps the images that it was made of, also where they have no name. */
  readonly noPrune?: boolean | undefined;
  /** Removes the images of these platforms alone (API 1.50, Docker 28.2). */
  readonly platforms?: readonly (Platform | string)[] | undefined;
}

/** What was removed. */
export interface RemoveResult {
  /** The names that are gone. */
  readonly untagged: readonly string[];
  /** The IDs of what is gone. */
  readonly deleted: readonly string[];
}

/** Sorts out what an engine says of what it removed. */
export function removedOf(entries: readonly JSONObject[]): RemoveResult {
  const all = (field: string): string[] =>
    entries.map((entry) => textField(entry, field)).filter((text) => text !== "");
  return { untagged: all("Untagged"), deleted: all("Deleted") };
}

/** Removes an image, or one of its names. */
export async function removeImage(
  client: EngineClient,
  name: string,
  { force, noPrune, platforms = [], signal }: RemoveOptions = {},
): Promise<RemoveResult> {
  const { path, shown } = imageName(name);
  const action = `remove image ${shown}`;
  const chosen = platforms.flatMap((platform) => platformJSON(platform) ?? []);
  if (chosen.length > 0) {
    await client.require({ since: "1.50", name: "choosing platforms" }, action, { signal });
  }
  const entries = await client.list({
    action,
    method: "DELETE",
    path: `/images/${path}`,
    query: {
      force: force === true || undefined,
      noprune: noPrune === true || undefined,
      platforms: chosen,
    },
    isAboutImage: true,
    signal,
  });
  return removedOf(entries);
}
