import type { CallOptions } from "../model/content.ts";
import type { Platform } from "../model/platform.ts";
import { namesField, numberField, textField, timeField } from "./_fields.ts";
import type { EngineClient } from "./engine_client.ts";
import { imageName } from "./names.ts";
import { platformJSON } from "./query.ts";

/** Options of {@linkcode EngineImages.history}. */
export interface HistoryOptions extends CallOptions {
  /** Whose image of an index (API 1.48, Docker 28). */
  readonly platform?: Platform | string | undefined;
}

/** One step of the history of an image. */
export interface ImageHistoryEntry {
  /** The ID of the image of that step; `undefined` when it is not on this engine. */
  readonly id: string | undefined;
  /** When it was made. */
  readonly created: Date | undefined;
  /** The command. */
  readonly createdBy: string;
  /** What its author said. */
  readonly comment: string;
  /** How many bytes it added. */
  readonly size: number;
  /** The names of the image of that step. */
  readonly tags: readonly string[];
}

/** Asks the engine how an image came to be. */
export async function imageHistory(
  client: EngineClient,
  name: string,
  { platform, signal }: HistoryOptions = {},
): Promise<ImageHistoryEntry[]> {
  const { path, shown } = imageName(name);
  const action = `show the history of image ${shown}`;
  const query = { platform: platformJSON(platform) };
  if (platform !== undefined) {
    await client.require({ since: "1.48", name: "choosing a platform" }, action, { signal });
  }
  const entries = await client.list({
    action,
    method: "GET",
    path: `/images/${path}/history`,
    query,
    isAboutImage: true,
    signal,
  });
  return entries.map((entry) => {
    const id = textField(entry, "Id");
    return {
      id: id === "" || id === "<missing>" ? undefined : id,
      created: timeField(entry, "Created"),
      createdBy: textField(entry, "CreatedBy"),
      comment: textField(entry, "Comment"),
      size: numberField(entry, "Size") ?? 0,
      tags: namesField(entry, "Tags"),
    };
  });
}
