import type { CallOptions } from "../../model/content.ts";
import { type Answer, discard } from "../client.ts";
import { answerError, failureOf } from "../errors.ts";
import type { RequestBody } from "../request.ts";
import { bytesBody } from "../upload_body.ts";
import { layerBody } from "./_layer_body.ts";
import type { V1PushImage } from "./v1_push_image.ts";
import { openSession, sendToIndex, type V1Context, type V1Session } from "./_session.ts";
import { expectStatus } from "./_v1_answer.ts";

/** A tag of an image. */
interface V1Tag {
  readonly id: string;
  readonly tag: string;
}

/** A push or a deletion under way. */
interface Work {
  readonly context: V1Context;
  readonly session: V1Session;
  readonly repository: string;
  readonly action: string;
  readonly signal: AbortSignal | undefined;
}

function json({ index }: V1Context, value: unknown): RequestBody {
  return bytesBody(new TextEncoder().encode(JSON.stringify(value)), index.uploadWatch);
}

async function begin(
  context: V1Context,
  repository: string,
  access: "write" | "delete",
  action: string,
  { signal }: CallOptions,
  body?: RequestBody,
): Promise<Work> {
  const call = { action, signal, body };
  const { session, answer } = await openSession(context, repository, access, call);
  discard(answer);
  return { context, session, repository, action, signal };
}

/** Pushes images, base first, and names the newest. */
export async function pushV1Images(
  context: V1Context,
  repository: string,
  images: readonly V1PushImage[],
  tag: string,
  options: CallOptions,
): Promise<void> {
  const top = images.at(-1);
  if (top === undefined) throw new TypeError("Cannot push an image without a layer");
  const action = `push ${JSON.stringify(`${context.index.endpoint.name}/${repository}:${tag}`)}`;
  const list = images.map(({ id }) => id === top.id ? { id, Tag: tag } : { id });
  const work = await begin(context, repository, "write", action, options, json(context, list));
  const checksums: { readonly id: string; readonly checksum?: string }[] = [];
  // The parent of an image has to be there.
  for (const image of images) checksums.push(await pushImage(work, image));
  await tagImage(work, { id: top.id, tag });
  const answer = await sendToIndex(context, {
    action,
    method: "PUT",
    path: `/v1/repositories/${repository}/images`,
    lane: "metadata",
    headers: { "content-type": "application/json", "x-docker-endpoints": work.session.hostNames },
    body: json(context, checksums),
    signal: options.signal,
  }, { repository });
  // A registry without an index may not know the question.
  if (answer.status === 404) return discard(answer);
  await expectStatus(context.index, action, answer, 200, 201, 204);
}

/** Gives an image that is there a tag. */
export async function putTag(
  context: V1Context,
  repository: string,
  { id, tag }: V1Tag,
  options: CallOptions,
): Promise<void> {
  const action = `tag ${JSON.stringify(`${context.index.endpoint.name}/${repository}:${tag}`)}`;
  const list = json(context, [{ id, Tag: tag }]);
  const work = await begin(context, repository, "write", action, options, list);
  await tagImage(work, { id, tag });
}

/**
 * Deletes a tag. A token for deleting can only be had by announcing that the whole repository goes, so
 * it is done with one for writing.
 */
export async function removeTag(
  context: V1Context,
  repository: string,
  { id, tag }: V1Tag,
  options: CallOptions,
): Promise<void> {
  const action = `untag ${JSON.stringify(`${context.index.endpoint.name}/${repository}:${tag}`)}`;
  const list = json(context, [{ id, Tag: tag }]);
  const { session, signal } = await begin(context, repository, "write", action, options, list);
  const path = `/v1/repositories/${repository}/tags/${tag}`;
  const answer = await session.send({ action, method: "DELETE", path, lane: "metadata", signal });
  await expectStatus(context.index, action, answer, 200, 202, 204);
}

async function tagImage({ session, ...work }: Work, { id, tag }: V1Tag): Promise<void> {
  const { context, repository, action, signal } = work;
  const answer = await session.send({
    action,
    method: "PUT",
    path: `/v1/repositories/${repository}/tags/${tag}`,
    lane: "metadata",
    headers: { "content-type": "application/json" },
    body: json(context, id),
    signal,
  });
  await expectStatus(context.index, action, answer, 200, 201);
}

async function pushImage(
  work: Work,
  image: V1PushImage,
): Promise<{ readonly id: string; readonly checksum?: string }> {
  const { session, context, action, signal } = work;
  const { id, raw } = image;
  const watch = context.index.uploadWatch;
  const path = `/v1/images/${id}`;
  const look = { action, method: "GET", path: `${path}/json`, lane: "metadata", signal } as const;
  const found = await session.send(look);
  discard(found);
  if (found.status === 200) return { id };
  const document = await session.send({
    ...look,
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: bytesBody(raw, watch),
  });
  if (await isThere(work, document)) return { id };
  await expectStatus(context.index, action, document, 200, 201);
  const isStreamed = context.index.traits.streamingUpload !== false;
  const open = () => image.open({ signal });
  const body = await layerBody(raw, open, { isStreamed, watch, signal });
  const headers = { "content-type": "application/octet-stream" };
  try {
    const layer = await session.send({
      ...look,
      method: "PUT",
      path: `${path}/layer`,
      lane: "upload",
      headers,
      body,
    });
    await expectStatus(context.index, action, layer, 200, 201);
  } catch (error) {
    signal?.throwIfAborted();
    throw body.failure?.error ?? error;
  }
  const checksum = body.checksum();
  const sum = await session.send({
    ...look,
    method: "PUT",
    path: `${path}/checksum`,
    headers: { "x-docker-checksum-payload": checksum },
    body: bytesBody(new Uint8Array(), watch),
  });
  await expectStatus(context.index, action, sum, 200, 201);
  return { id, checksum };
}

/** Somebody else has pushed the image meanwhile. */
async function isThere({ context }: Work, answer: Answer): Promise<boolean> {
  if (answer.status === 409) {
    discard(answer);
    return true;
  }
  if (answer.status < 400) return false;
  const { diagnostics, text } = await failureOf(answer, context.index.clock);
  const words = [text, ...diagnostics.map(({ message }) => message)].join(" ");
  return /image already exists/i.test(words);
}

/** Deletes all tags of a repository: at the index, at the registry, and at the index for good. */
export async function deleteRepository(
  context: V1Context,
  repository: string,
  options: CallOptions,
): Promise<void> {
  const action = `delete ${JSON.stringify(`${context.index.endpoint.name}/${repository}`)}`;
  const { session, signal } = await begin(context, repository, "delete", action, options);
  const path = `/v1/repositories/${repository}/`;
  const call = { action, method: "DELETE", path, lane: "metadata", signal } as const;
  const answer = await session.send(call);
  if (![200, 202, 204, 404].includes(answer.status)) {
    throw await answerError(answer, action, context.index.clock);
  }
  discard(answer);
  // A registry that is its own index has deleted it with the first request.
  const closing = await sendToIndex(context, call, { repository });
  await expectStatus(context.index, action, closing, 200, 202, 204, 404);
}
