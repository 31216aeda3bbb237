import { type Operation, startOperation } from "../bytes/operation.ts";
import type { CallOptions } from "../model/content.ts";
import { LoadError } from "../model/errors.ts";
import type { Platform } from "../model/platform.ts";
import { type ArchiveBody, openArchive } from "./archive_input.ts";
import { said } from "./_failure.ts";
import type { EngineCall } from "./engine_call.ts";
import type { EngineClient } from "./engine_client.ts";
import { type EngineEvent, eventKey, eventOf } from "./events.ts";
import { type EngineImage, getImage } from "./image.ts";
import { platformJSON } from "./query.ts";

/** Options of {@linkcode EngineImages.load}. */
export interface LoadOptions extends CallOptions {
  /** Reports no progress of layers. */
  readonly quiet?: boolean | undefined;
  /**
   * Loads the image of this platform alone (API 1.48, Docker 28), or those of several (API 1.52,
   * Docker 29).
   */
  readonly platform?: Platform | string | readonly (Platform | string)[] | undefined;
  /** How long the engine may be silent in its answer, in milliseconds; by default without end. */
  readonly idleTimeoutMs?: number | undefined;
}

/** What {@linkcode EngineImages.load} loaded. */
export interface LoadResult {
  /** What the engine named: names such as `site:dev`, and IDs of images without a name. */
  readonly names: readonly string[];
  /** The images, in the same order. */
  readonly images: readonly EngineImage[];
}

const LOADED_REGEXP = /^Loaded image(?: ID|\(s\))?: (.+)$/;
const UNPACK_REGEXP = /^Error unpacking image .*/m;

/** Loads the images of an archive. */
export function loadImages(
  client: EngineClient,
  archive: ArchiveBody,
  options: LoadOptions = {},
): Operation<LoadResult, EngineEvent> {
  const platforms = [options.platform ?? []].flat().flatMap((one) => platformJSON(one) ?? []);
  const { quiet = false, idleTimeoutMs } = options;
  const action = "load images";
  return startOperation<LoadResult, EngineEvent>(async ({ emit, signal }) => {
    if (platforms.length > 0) {
      const since = platforms.length === 1 ? "1.48" : "1.52";
      await client.require({ since, name: "choosing platforms" }, action, { signal });
    }
    const content = await openArchive(archive, client.openFile, { signal });
    const call: EngineCall = {
      action,
      method: "POST",
      path: "/images/load",
      query: { quiet, platform: platforms },
      body: { type: "application/x-tar", content },
      makeError: (message, options) => new LoadError(message, options),
      idleTimeoutMs,
      signal,
    };
    let output = "";
    for await (const message of client.messages(call)) {
      if (message.stream !== undefined) output += message.stream;
      const event = eventOf(message);
      if (event !== undefined) emit(event);
    }
    const names = loadedNames(call, output);
    const images: EngineImage[] = [];
    for (const name of names) images.push(await getImage(client, name, { signal }));
    return { names, images };
  }, { signal: options.signal, coalesce: eventKey });
}

/** Finds what was loaded in the engine's output; an archive of which nothing was is a failure. */
function loadedNames(call: EngineCall, output: string): string[] {
  const endpoint = `${call.method} ${call.path}`;
  // containerd says first that the image is loaded, and then that it cannot be used.
  const [broken] = UNPACK_REGEXP.exec(output) ?? [];
  if (broken !== undefined) {
    const words = said(broken);
    throw new LoadError(`Cannot ${call.action}: ${words}`, { status: 200, endpoint, said: words });
  }
  // podman writes all names in one line, and no line break.
  const names = output.split("\n").flatMap((line) =>
    LOADED_REGEXP.exec(line.trim())?.[1]?.split(",").map((name) => name.trim()) ?? []
  );
  if (names.length > 0) return [...new Set(names)];
  const words = said(output);
  throw new LoadError(
    `Cannot ${call.action}: the engine does not say that it loaded any` +
      (words === "" ? "" : `: ${words}`),
    { status: 200, endpoint, said: words },
  );
}
