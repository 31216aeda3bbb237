import { type Operation, startOperation } from "../bytes/operation.ts";
import type { CallOptions } from "../model/content.ts";
import { ImageNotFoundError, PullError } from "../model/errors.ts";
import { DEFAULT_TAG } from "../model/reference.ts";
import type { Platform } from "../model/platform.ts";
import type { EngineCredentials } from "./auth_header.ts";
import type { EngineCall } from "./engine_call.ts";
import type { EngineClient } from "./engine_client.ts";
import { type EngineEvent, eventKey, eventOf } from "./events.ts";
import { type EngineImage, getImage } from "./image.ts";
import { listImages } from "./list.ts";
import { type RemoteName, remoteName } from "./names.ts";
import { refusePodman } from "./_podman.ts";
import { platformText } from "./query.ts";
import { registryAuth } from "./_registry_auth.ts";

/** Options of {@linkcode EngineImages.pull}. */
export interface PullOptions extends CallOptions {
  /** The tag, or the digest; it goes before those in the name. */
  readonly tag?: string | undefined;
  /** Whose image of an index to pull; default that of the engine (API 1.32). */
  readonly platform?: Platform | string | undefined;
  /** Credentials for the registry; default those that the machine keeps for it. */
  readonly credentials?: EngineCredentials | undefined;
  /** How long the engine may be silent, in milliseconds; by default as long as it likes. */
  readonly idleTimeoutMs?: number | undefined;
}

/** Pulls one image. */
export function pullImage(
  client: EngineClient,
  name: string,
  options: PullOptions = {},
): Operation<EngineImage, EngineEvent> {
  const remote = remoteName(name, options.tag);
  const { tag, digest } = remote.reference;
  const wanted = digest ?? tag ?? DEFAULT_TAG;
  const query = queryOf(remote, wanted, options);
  const pulled = `${remote.repository}${digest === undefined ? ":" : "@"}${wanted}`;
  return startOperation<EngineImage, EngineEvent>(async ({ emit, signal }) => {
    const call = await callFor(client, remote, query, { ...options, signal });
    await follow(client, call, emit);
    try {
      return await getImage(client, pulled, { signal });
    } catch (error) {
      if (!(error instanceof ImageNotFoundError)) throw error;
      const { status, endpoint, said } = error;
      throw new PullError(
        `Cannot ${call.action}: the engine pulled it, and does not have it: ${said}`,
        { status, endpoint, said, cause: error },
      );
    }
  }, { signal: options.signal, coalesce: eventKey });
}

/** Pulls every tag of a repository. */
export function pullAllTags(
  client: EngineClient,
  repository: string,
  options: Omit<PullOptions, "tag"> = {},
): Operation<readonly EngineImage[], EngineEvent> {
  const remote = remoteName(repository);
  const { tag, digest } = remote.reference;
  if (tag !== undefined || digest !== undefined) {
    throw new TypeError(
      `Cannot pull all tags of ${JSON.stringify(repository)}: it names one of them`,
    );
  }
  const query = queryOf(remote, undefined, options);
  return startOperation<readonly EngineImage[], EngineEvent>(async ({ emit, signal }) => {
    await refusePodman(client, `pull all tags of ${remote.repository}`, { signal });
    const call = await callFor(client, remote, query, { ...options, signal });
    await follow(client, call, emit);
    const summaries = await listImages(client, { name: remote.repository, signal });
    const images: EngineImage[] = [];
    for (const { id } of summaries) images.push(await getImage(client, id, { signal }));
    return images;
  }, { signal: options.signal, coalesce: eventKey });
}

/** What a pull asks for; without a tag it is every one. */
interface PullQuery {
  readonly fromImage: string;
  readonly tag: string | undefined;
  readonly platform: string | undefined;
}

/** Writes the query; a platform that is none is refused before the engine is asked for anything. */
function queryOf(
  { fullName: fromImage }: RemoteName,
  tag: string | undefined,
  { platform }: PullOptions,
): PullQuery {
  return { fromImage, tag, platform: platformText(platform) };
}

async function callFor(
  client: EngineClient,
  { reference, repository }: RemoteName,
  { fromImage, tag, platform }: PullQuery,
  { credentials, idleTimeoutMs, signal }: PullOptions,
): Promise<EngineCall> {
  const shown = tag === undefined
    ? repository
    : `${repository}${tag.includes(":") ? "@" : ":"}${tag}`;
  const action = `pull ${tag === undefined ? "all tags of " : ""}${JSON.stringify(shown)}`;
  if (platform !== undefined) {
    await client.require({ since: "1.32", name: "choosing a platform" }, action, { signal });
  }
  return {
    action,
    method: "POST",
    path: "/images/create",
    query: { fromImage, tag, platform },
    headers: await registryAuth(client, { at: reference, credentials, signal }),
    makeError: (message, options) => new PullError(message, options),
    idleTimeoutMs,
    signal,
  };
}

/** Reads what the engine says until it is done; it has to say something. */
async function follow(
  client: EngineClient,
  call: EngineCall,
  emit: (event: EngineEvent) => void,
): Promise<void> {
  let isSaid = false;
  for await (const message of client.messages(call)) {
    // podman says no more than the ID of the image.
    isSaid ||= message.status !== undefined || message.id !== undefined ||
      message.stream !== undefined;
    const event = eventOf(message);
    if (event !== undefined) emit(event);
  }
  if (isSaid) return;
  throw new PullError(`Cannot ${call.action}: the engine answered with nothing at all`, {
    status: 200,
    endpoint: `${call.method} ${call.path}`,
  });
}
