import { SingleFlight } from "../../bytes/single_flight.ts";
import type { Bytes, ByteStream } from "../../model/bytes.ts";
import type { CallOptions } from "../../model/content.ts";
import { isDigest } from "../../model/digest.ts";
import { InvalidReferenceError, LimitExceededError } from "../../model/errors.ts";
import { isJSONObject } from "../../model/json_object.ts";
import { isTag } from "../../model/reference.ts";
import { type Answer, discard } from "../client.ts";
import { openDownload } from "../download.ts";
import { answerError, notARegistry } from "../errors.ts";
import { withChecksum, wrapErrors } from "./_layer_stream.ts";
import { deleteRepository, pushV1Images, putTag, removeTag } from "./_v1_write.ts";
import { openSession, type SessionCall, type V1Context, type V1Session } from "./_session.ts";
import { parseAnswer, readAnswer } from "./_v1_answer.ts";
import { isV1ID, parseV1Image } from "./v1_image.ts";
import type { V1PushImage } from "./v1_push_image.ts";
import type { V1ImageInfo } from "./v1_image_info.ts";

/** The most layers of an image; engines stop at 127. */
const MAX_LAYERS = 1000;

/** One image in the list of a repository. */
export interface V1ImageEntry {
  /** The ID. */
  readonly id: string;
  /** The tag, where the index says it. */
  readonly tag?: string | undefined;
  /** The checksum that the index knows. */
  readonly checksum?: string | undefined;
}

/** Options of {@linkcode RepositoryV1.layer}. */
export interface V1LayerOptions extends CallOptions {
  /** The document of the image, so that the layer can be proved by its checksum. */
  readonly image?: V1ImageInfo | undefined;
  /** The bytes of the layer, where they are known: only then a download that breaks off goes on. */
  readonly size?: number | undefined;
}

/** A session for reading, and the images that the index has listed. */
interface Reading {
  readonly session: V1Session;
  readonly images: readonly V1ImageEntry[];
}

/**
 * A repository of a registry of version 1. Tags name images, images are chains of single layers with
 * IDs that prove nothing. Made by `RegistryV1.repository`.
 */
export class RepositoryV1 {
  /** The name in the registry: `library/alpine`. */
  readonly name: string;
  readonly #context: V1Context;
  readonly #opening = new SingleFlight<string, Reading>();
  #reading: Reading | undefined;

  /**
   * Takes over what the registry has prepared.
   *
   * @param context The registry's client and options.
   * @param name The name, with its namespace.
   * @ignore
   */
  constructor(context: V1Context, name: string) {
    this.#context = context;
    this.name = name;
  }

  /**
   * Lists the images that the index knows; registries without an index know none here.
   *
   * @param options A signal.
   * @returns The images.
   */
  async images(options: CallOptions = {}): Promise<readonly V1ImageEntry[]> {
    return (await this.#read(options)).images;
  }

  /**
   * Lists the tags with the images that they name.
   *
   * @param options A signal.
   * @returns Tag by tag the ID of the image.
   * @throws {NotFoundError} when there is no such repository.
   */
  async tags(options: CallOptions = {}): Promise<Map<string, string>> {
    const action = `list the tags of ${this.#quoted()}`;
    const path = `/v1/repositories/${this.name}/tags`;
    const { value } = await this.#get(action, path, options);
    const tags = new Map<string, string>();
    // Older registries answer with a list of names and layers.
    const pairs = Array.isArray(value)
      ? value.filter(isJSONObject).map(({ name, layer }) => [name, layer])
      : Object.entries(isJSONObject(value) ? value : {});
    for (const [tag, id] of pairs) {
      if (typeof tag !== "string" || !isTag(tag) || typeof id !== "string") continue;
      tags.set(tag, await this.#fullID(id, options) ?? id);
    }
    return tags;
  }

  /**
   * Finds the image that a tag names.
   *
   * @param reference A tag or an ID.
   * @param options A signal.
   * @returns The ID.
   * @throws {NotFoundError} when there is no such tag.
   * @throws {InvalidReferenceError} when it is neither.
   */
  async resolve(reference: string, options: CallOptions = {}): Promise<string> {
    if (isV1ID(reference)) return reference;
    checkTag(reference);
    const action = `pull ${this.#quoted(reference)}`;
    const path = `/v1/repositories/${this.name}/tags/${reference}`;
    const { answer, raw } = await this.#getRaw(action, path, options);
    // The quotes of the JSON text may be missing.
    const text = new TextDecoder().decode(raw).trim().replace(/^"(.*)"$/, "$1");
    const id = await this.#fullID(text, options);
    if (id === undefined) throw notARegistry(answer, action, "a tag that names no image");
    return id;
  }

  /**
   * Lists the images that an image is made of, itself first, the base last.
   *
   * @param id The ID.
   * @param options A signal.
   * @returns The IDs, each once.
   * @throws {NotFoundError} when there is no such image.
   * @throws {LimitExceededError} when there are more than 1,000.
   */
  async ancestry(id: string, options: CallOptions = {}): Promise<string[]> {
    const action = `list the layers of ${this.#image(id)}`;
    const { answer, value } = await this.#get(action, `/v1/images/${id}/ancestry`, options);
    const ids = Array.isArray(value) ? value : [];
    const isChain = ids.every((item) => typeof item === "string" && isV1ID(item)) &&
      ids[0] === id && new Set(ids).size === ids.length;
    if (!isChain) throw notARegistry(answer, action, "the IDs of its layers are no chain");
    if (ids.length <= MAX_LAYERS) return ids;
    throw new LimitExceededError(`Cannot ${action}: there are more than ${MAX_LAYERS}`, {
      limit: MAX_LAYERS,
      unit: "entries",
    });
  }

  /**
   * Gets the document of an image.
   *
   * @param id The ID; the document has to be of it.
   * @param options A signal.
   * @returns The document, and what the registry says of the layer.
   * @throws {NotFoundError} when there is no such image.
   * @throws {InvalidConfigError} when it is no such document.
   */
  async image(id: string, options: CallOptions = {}): Promise<V1ImageInfo> {
    const action = `read ${this.#image(id)}`;
    const { answer, raw } = await this.#getRaw(action, `/v1/images/${id}/json`, options);
    const { headers } = answer;
    const size = sizeOf(headers.get("x-docker-size"));
    const checksum = headers.get("x-docker-checksum-payload")?.trim() ?? "";
    return {
      ...parseV1Image(raw, id),
      ...(size === undefined ? {} : { size }),
      ...(isDigest(checksum) && checksum.startsWith("sha256:")
        ? { payloadChecksum: checksum }
        : {}),
    };
  }

  /**
   * Tells whether a layer is there.
   *
   * @param id The ID of its image.
   * @param options A signal.
   * @returns Whether it is.
   */
  async hasLayer(id: string, options: CallOptions = {}): Promise<boolean> {
    const action = `look for the layer of ${this.#image(id)}`;
    const answer = await this.#send({
      action,
      method: "HEAD",
      path: `/v1/images/${id}/layer`,
      lane: "metadata",
      signal: options.signal,
    });
    discard(answer);
    if (answer.status === 200 || answer.status === 404) return answer.status === 200;
    throw await answerError(answer, action, this.#context.index.clock);
  }

  /**
   * Opens the layer of an image, as it is stored. With the document of the image it is proved where
   * the registry has a checksum. A download that breaks off is continued when the size is known.
   *
   * @param id The ID of its image.
   * @param options The document, the size, and a signal.
   * @returns The bytes; the stream errors instead of closing when they have another checksum.
   * @throws {NotFoundError} when it is not there.
   */
  async layer(id: string, options: V1LayerOptions = {}): Promise<ByteStream> {
    const { image, size, signal } = options;
    const action = `fetch the layer of ${this.#image(id)}`;
    const path = `/v1/images/${id}/layer`;
    const call = { action, method: "GET", path, lane: "download", signal } as const;
    const content = size === undefined
      ? await this.#download(call)
      : await this.#resumable(call, size);
    return image === undefined ? content : withChecksum(content, image);
  }

  /**
   * Pushes images and names the newest. Those that the registry has are left out.
   *
   * @param images The images, base first; each names the one before it as its parent.
   * @param tag The tag.
   * @param options A signal.
   * @throws {RegistryError} when the registry does not take them; the tag goes last.
   */
  async push(
    images: readonly V1PushImage[],
    tag: string,
    options: CallOptions = {},
  ): Promise<void> {
    checkTag(tag);
    await pushV1Images(this.#context, this.name, images, tag, options);
    this.#reading = undefined;
  }

  /**
   * Gives an image of the repository another tag.
   *
   * @param id The ID.
   * @param tag The tag.
   * @param options A signal.
   * @throws {RegistryError} when the registry does not take it.
   */
  async tag(id: string, tag: string, options: CallOptions = {}): Promise<void> {
    checkTag(tag);
    this.#image(id);
    await putTag(this.#context, this.name, { id, tag }, options);
    this.#reading = undefined;
  }

  /**
   * Deletes a tag; images stay.
   *
   * @param tag The tag.
   * @param options A signal.
   * @throws {NotFoundError} when there is no such tag.
   * @throws {RegistryError} when the registry does not allow it.
   */
  async untag(tag: string, options: CallOptions = {}): Promise<void> {
    checkTag(tag);
    const id = await this.resolve(tag, options);
    await removeTag(this.#context, this.name, { id, tag }, options);
    this.#reading = undefined;
  }

  /**
   * Deletes the repository: all of its tags. Registries of version 1 delete no images.
   *
   * @param options A signal.
   * @throws {NotFoundError} when there is no such repository.
   * @throws {RegistryError} when the registry does not allow it.
   */
  async delete(options: CallOptions = {}): Promise<void> {
    await deleteRepository(this.#context, this.name, options);
    this.#reading = undefined;
  }

  #quoted(tag?: string): string {
    const { name } = this.#context.index.endpoint;
    return JSON.stringify(`${name}/${this.name}${tag === undefined ? "" : `:${tag}`}`);
  }

  /** An image for messages; its ID becomes a part of paths. */
  #image(id: string): string {
    if (isV1ID(id)) return `the image ${id}`;
    const input = id.slice(0, 256);
    throw new InvalidReferenceError(
      `Cannot use ${JSON.stringify(input)} as an image of version 1: give 64 hexadecimal digits`,
      { input },
    );
  }

  /** Opens the session that everything is read in. */
  async #read({ signal }: CallOptions): Promise<Reading> {
    return this.#reading ??= await this.#opening.run(
      this.name,
      async (signal) => await this.#open(signal),
      signal,
    );
  }

  async #open(signal: AbortSignal): Promise<Reading> {
    const action = `list the images of ${this.#quoted()}`;
    const call = { action, signal };
    const { index } = this.#context;
    const asked = {
      ...call,
      method: "GET",
      url: index.url(`/v1/repositories/${this.name}/images`),
    };
    return await index.repeat(asked, async () => {
      const { session, answer } = await openSession(this.#context, this.name, "read", call);
      if (answer.status !== 200) {
        discard(answer);
        return { session, images: [] };
      }
      const raw = await readAnswer(index, action, answer, signal);
      return { session, images: imagesIn(parseAnswer(answer, action, raw)) };
    });
  }

  /** Sends a request; a token that has run out is fetched anew, once. */
  async #send(call: SessionCall): Promise<Answer> {
    const { session } = await this.#read(call);
    const answer = await session.send(call);
    if (answer.status !== 401) return answer;
    discard(answer);
    this.#reading = undefined;
    return await (await this.#read(call)).session.send(call);
  }

  async #getRaw(
    action: string,
    path: string,
    { signal }: CallOptions,
  ): Promise<{ answer: Answer; raw: Bytes }> {
    const { index } = this.#context;
    const call = { action, method: "GET", url: index.url(path), signal };
    return await index.repeat(call, async () => {
      const answer = await this.#send({ action, method: "GET", path, lane: "metadata", signal });
      return { answer, raw: await readAnswer(index, action, answer, signal) };
    });
  }

  async #get(
    action: string,
    path: string,
    options: CallOptions,
  ): Promise<{ answer: Answer; value: unknown }> {
    const { answer, raw } = await this.#getRaw(action, path, options);
    return { answer, value: parseAnswer(answer, action, raw) };
  }

  /** The whole ID; the first hub had the first digits in its tags. */
  async #fullID(text: string, options: CallOptions): Promise<string | undefined> {
    if (isV1ID(text)) return text;
    if (!/^[a-f0-9]{6,63}$/.test(text)) return undefined;
    const found = (await this.images(options)).filter(({ id }) => id.startsWith(text));
    return found.length === 1 ? found[0]?.id : undefined;
  }

  async #download(call: SessionCall): Promise<ByteStream> {
    const { index } = this.#context;
    const answer = await this.#send(call);
    if (answer.status !== 200) throw await answerError(answer, call.action, index.clock);
    const { action, method } = call;
    return wrapErrors(
      answer.body,
      (error) =>
        call.signal?.aborted ? call.signal.reason : index.unreachable(
          { action, method, url: answer.url },
          error,
          1,
        ),
    );
  }

  async #resumable(call: SessionCall, size: number): Promise<ByteStream> {
    const { session } = await this.#read(call);
    const { host } = session;
    const { path, ...rest } = call;
    const headers = await session.headersFor(host, call.signal);
    const download = { ...rest, url: host.url(path), scopes: [], isBare: true, headers };
    const span = { start: 0, end: size };
    return (await openDownload(host, { call: download, span, size, isGzip: true })).stream;
  }
}

function checkTag(tag: string): void {
  if (isTag(tag)) return;
  const input = tag.slice(0, 256);
  throw new InvalidReferenceError(`Cannot use ${JSON.stringify(input)} as a tag`, { input });
}

function sizeOf(text: string | null): number | undefined {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function imagesIn(value: unknown): V1ImageEntry[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isJSONObject).flatMap(({ id, Tag: tag, checksum }) =>
    typeof id === "string" && isV1ID(id)
      ? [{
        id,
        ...(typeof tag === "string" && tag !== "" ? { tag } : {}),
        ...(typeof checksum === "string" && checksum !== "" ? { checksum } : {}),
      }]
      : []
  );
}
