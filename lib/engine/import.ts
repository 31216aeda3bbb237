import { type Operation, startOperation } from "../bytes/operation.ts";
import type { CallOptions } from "../model/content.ts";
import { InvalidInputError, LoadError } from "../model/errors.ts";
import type { Platform } from "../model/platform.ts";
import { type ArchiveBody, openArchive } from "./archive_input.ts";
import type { EngineCredentials } from "./auth_header.ts";
import type { EngineCall } from "./engine_call.ts";
import type { EngineClient } from "./engine_client.ts";
import { type EngineEvent, eventKey, eventOf } from "./events.ts";
import { type EngineImage, getImage } from "./image.ts";
import { tagName } from "./names.ts";
import { pullImage } from "./pull.ts";
import { platformText } from "./query.ts";
import { tagImage } from "./tag.ts";

/** An archive that the engine downloads. */
export interface URLInput {
  /** Where it is: `http:` or `https:`. */
  readonly url: string;
}

/** An image of a registry. */
export interface ImageInput {
  /** Its name. */
  readonly image: string;
}

/** What is imported: the archive of a file tree, or an image of a registry, which is pulled. */
export type ImportSource = ArchiveBody | URLInput | ImageInput;

/** Options of {@linkcode EngineImages.import}. */
export interface ImportOptions extends CallOptions {
  /** The name that the image gets: `site:dev`. */
  readonly name?: string | undefined;
  /** The tag; it goes before one in the name. */
  readonly tag?: string | undefined;
  /** Instructions of a Dockerfile that change the config: `CMD ["sh"]`, `ENV A=b`. */
  readonly changes?: readonly string[] | undefined;
  /** What the history says (API 1.39). */
  readonly message?: string | undefined;
  /** Where the image runs; default where the engine does (API 1.32). */
  readonly platform?: Platform | string | undefined;
  /** Credentials for the registry of an image. */
  readonly credentials?: EngineCredentials | undefined;
  /** How long the engine may be silent in its answer, in milliseconds; by default without end. */
  readonly idleTimeoutMs?: number | undefined;
}

const ID_REGEXP = /^sha\d+:[0-9a-f]{64,128}$/;

/** Imports the archive of a file tree as an image of one layer. */
export function importImage(
  client: EngineClient,
  source: ImportSource,
  options: ImportOptions = {},
): Operation<EngineImage, EngineEvent> {
  const { name, tag, changes = [], message, platform, idleTimeoutMs } = options;
  const target = name === undefined ? undefined : tagName(name, tag);
  if (isImage(source)) {
    if (changes.length > 0 || message !== undefined) {
      throw new TypeError("Cannot import an image: it is pulled as it is, without changes");
    }
    return importPulled(client, source.image, target?.name, options);
  }
  const url = isURL(source) ? checkedURL(source.url) : undefined;
  const action = "import an archive";
  const query = {
    fromSrc: url ?? "-",
    // In one, as the docker command does: podman reads no tag of its own.
    repo: target?.name,
    changes: changes.map(checkedChange),
    message,
    platform: platformText(platform),
  };
  return startOperation<EngineImage, EngineEvent>(async ({ emit, signal }) => {
    if (platform !== undefined) {
      await client.require({ since: "1.32", name: "choosing a platform" }, action, { signal });
    }
    if (message !== undefined) {
      await client.require({ since: "1.39", name: "a message" }, action, { signal });
    }
    const content = isURL(source)
      ? undefined
      : await openArchive(source, client.openFile, { signal });
    const call: EngineCall = {
      action,
      method: "POST",
      path: "/images/create",
      query,
      body: content === undefined ? undefined : { type: "application/x-tar", content },
      makeError: (text, data) => new LoadError(text, data),
      idleTimeoutMs,
      signal,
    };
    let id: string | undefined;
    for await (const message of client.messages(call)) {
      if (ID_REGEXP.test(message.status ?? "")) id = message.status;
      const event = eventOf(message);
      if (event !== undefined) emit(event);
    }
    if (id !== undefined) return await getImage(client, id, { signal });
    throw new LoadError(`Cannot ${action}: the engine does not tell the ID of the image`, {
      status: 200,
      endpoint: `${call.method} ${call.path}`,
    });
  }, { signal: options.signal, coalesce: eventKey });
}

function importPulled(
  client: EngineClient,
  image: string,
  name: string | undefined,
  options: ImportOptions,
): Operation<EngineImage, EngineEvent> {
  return startOperation<EngineImage, EngineEvent>(async ({ emit, signal }) => {
    const { platform, credentials, idleTimeoutMs } = options;
    const pull = pullImage(client, image, { platform, credentials, idleTimeoutMs, signal });
    for await (const event of pull) emit(event);
    const pulled = await pull;
    if (name === undefined) return pulled;
    await tagImage(client, pulled.id, name, { signal });
    return await getImage(client, name, { signal });
  }, { signal: options.signal, coalesce: eventKey });
}

function isImage(source: ImportSource): source is ImageInput {
  return typeof source === "object" && source !== null && "image" in source;
}

function isURL(source: ImportSource): source is URLInput {
  return typeof source === "object" && source !== null && "url" in source;
}

function checkedURL(text: string): string {
  const isGood = URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
  if (isGood && !/\p{Cc}/u.test(text)) return text;
  throw new InvalidInputError(
    "INVALID_URL",
    `Cannot import ${JSON.stringify(text)}: it is no URL of http or https`,
    { input: text },
  );
}

function checkedChange(change: string): string {
  if (change.trim() !== "" && !/[\r\n\0]/.test(change)) return change;
  throw new TypeError(
    `Cannot change an image by ${JSON.stringify(change)}: it is no instruction of one line`,
  );
}
