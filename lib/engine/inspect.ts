import type { CallOptions } from "../model/content.ts";
import type { JSONObject } from "../model/json_object.ts";
import type { Platform } from "../model/platform.ts";
import type { EngineClient } from "./engine_client.ts";
import { imageName } from "./names.ts";
import { platformJSON } from "./query.ts";

/** Options of {@linkcode EngineImages.get}. */
export interface InspectOptions extends CallOptions {
  /** Whose image of an index to look at (API 1.49, Docker 28.1). */
  readonly platform?: Platform | string | undefined;
  /** Lists the manifests of an index along (API 1.48, Docker 28). */
  readonly manifests?: boolean | undefined;
}

/** Asks the engine for all that it knows of an image. */
export async function inspectImage(
  client: EngineClient,
  name: string,
  { platform, manifests, signal }: InspectOptions = {},
): Promise<JSONObject> {
  const { path, shown } = imageName(name);
  const action = `inspect image ${shown}`;
  if (platform !== undefined && manifests === true) {
    throw new TypeError(`Cannot ${action}: ask for a platform or for the manifests, not for both`);
  }
  const query = { platform: platformJSON(platform), manifests: manifests === true || undefined };
  if (platform !== undefined) {
    await client.require({ since: "1.49", name: "choosing a platform" }, action, { signal });
  }
  if (manifests === true) {
    await client.require({ since: "1.48", name: "listing manifests" }, action, { signal });
  }
  return await client.object({
    action,
    method: "GET",
    path: `/images/${path}/json`,
    query,
    isAboutImage: true,
    signal,
  });
}
