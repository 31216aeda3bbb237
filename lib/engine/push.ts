import { ANONYMOUS } from "../auth/credentials.ts";
import { type Operation, startOperation } from "../bytes/operation.ts";
import type { CallOptions } from "../model/content.ts";
import { PushError } from "../model/errors.ts";
import { isJSONObject } from "../model/json_object.ts";
import type { Platform } from "../model/platform.ts";
import { DEFAULT_TAG } from "../model/reference.ts";
import { encodeRegistryAuth, type EngineCredentials } from "./auth_header.ts";
import { numberField, textField } from "./_fields.ts";
import type { EngineCall } from "./engine_call.ts";
import type { EngineClient } from "./engine_client.ts";
import { type EngineEvent, eventKey, eventOf } from "./events.ts";
import { getImage } from "./image.ts";
import type { EngineMessage } from "./message.ts";
import { type RemoteName, remoteName } from "./names.ts";
import { refusePodman } from "./_podman.ts";
import { platformJSON } from "./query.ts";
import { registryAuth } from "./_registry_auth.ts";

/** Options of {@linkcode EngineImages.push}. */
export interface PushOptions extends CallOptions {
  /** The tag; it goes before one in the name. */
  readonly tag?: string | undefined;
  /** Pushes every tag that the engine has of the repository. */
  readonly allTags?: boolean | undefined;
  /** Pushes the image of this platform alone (API 1.46, Docker 27). */
  readonly platform?: Platform | string | undefined;
  /** Credentials for the registry; default those that the machine keeps for it. */
  readonly credentials?: EngineCredentials | undefined;
  /** How long the engine may be silent, in milliseconds; by default as long as it likes. */
  readonly idleTimeoutMs?: number | undefined;
}

/** One tag that was pushed. */
export interface PushedTag {
  /** The tag. */
  readonly tag: string;
  /** The digest of its manifest in the registry. */
  readonly digest: string;
  /** The size of its manifest in bytes, where the engine tells. */
  readonly size: number | undefined;
}

/** What {@linkcode EngineImages.push} pushed. */
export interface PushResult {
  /** The repository as Docker shows it. */
  readonly repository: string;
  /** The digest-pinned reference of the first tag. */
  readonly reference: string;
  /** The digest of its manifest in the registry. */
  readonly digest: string;
  /** Every tag that was pushed. */
  readonly tags: readonly PushedTag[];
  /** Whether the engine pushed one image of an index that it does not have whole. */
  readonly isPartOfIndex: boolean;
}

/** The line by which engines tell what they pushed, of every age. */
const PUSHED_REGEXP = /^(\S+): digest: (sha\d+:[0-9a-f]+)(?: size: (\d+))?$/;

/** Pushes an image, or all tags of a repository. */
export function pushImage(
  client: EngineClient,
  name: string,
  options: PushOptions = {},
): Operation<PushResult, EngineEvent> {
  const remote = remoteName(name, options.tag);
  const { tag, digest } = remote.reference;
  if (digest !== undefined || (options.allTags === true && tag !== undefined)) {
    throw new TypeError(
      `Cannot push ${JSON.stringify(name)}: ${
        digest === undefined ? "it names one tag, and all are asked for" : "a digest is no tag"
      }`,
    );
  }
  const wanted = options.allTags === true ? undefined : tag ?? DEFAULT_TAG;
  const query = { tag: wanted, platform: platformJSON(options.platform) };
  return startOperation<PushResult, EngineEvent>(async ({ emit, signal }) => {
    if (wanted === undefined) {
      await refusePodman(client, `push all tags of ${remote.repository}`, { signal });
    }
    const call = await callFor(client, remote, query, { ...options, signal });
    const pushed = new Pushed();
    for await (const message of client.messages(call)) {
      pushed.take(message);
      const event = eventOf(message);
      if (event !== undefined) emit(event);
    }
    return await resultOf(client, call, remote, wanted, pushed);
  }, { signal: options.signal, coalesce: eventKey });
}

async function callFor(
  client: EngineClient,
  { reference, repository, fullName }: RemoteName,
  query: { readonly tag: string | undefined; readonly platform: string | undefined },
  { credentials, idleTimeoutMs, signal }: PushOptions,
): Promise<EngineCall> {
  const { tag, platform } = query;
  const shown = tag === undefined ? repository : `${repository}:${tag}`;
  const action = `push ${tag === undefined ? "all tags of " : ""}${JSON.stringify(shown)}`;
  if (platform !== undefined) {
    await client.require({ since: "1.46", name: "choosing a platform" }, action, { signal });
  }
  const auth = await registryAuth(client, { at: reference, credentials, signal });
  return {
    action,
    method: "POST",
    path: `/images/${fullName}/push`,
    query,
    // Engines of before Docker 25 want the header or the body, even when there is nothing to say.
    headers: { "x-registry-auth": encodeRegistryAuth(ANONYMOUS, reference.registry), ...auth },
    body: { type: "application/json", content: "{}" },
    makeError: (message, options) => new PushError(message, options),
    idleTimeoutMs,
    signal,
  };
}

/** Gathers what was pushed from what the engine says. */
class Pushed {
  readonly tags: Map<string, PushedTag> = new Map();
  isPartOfIndex = false;

  take({ aux, status }: EngineMessage): void {
    if (isJSONObject(aux)) {
      const [tag, digest] = [textField(aux, "Tag"), textField(aux, "Digest")];
      if (digest !== "") this.tags.set(tag, { tag, digest, size: numberField(aux, "Size") });
      if (aux["manifestPushedInsteadOfIndex"] === true) this.isPartOfIndex = true;
    }
    const [, tag, digest, size] = PUSHED_REGEXP.exec(status ?? "") ?? [];
    if (tag === undefined || digest === undefined || this.tags.has(tag)) return;
    this.tags.set(tag, { tag, digest, size: size === undefined ? undefined : Number(size) });
  }
}

async function resultOf(
  client: EngineClient,
  call: EngineCall,
  { repository }: RemoteName,
  wanted: string | undefined,
  { tags, isPartOfIndex }: Pushed,
): Promise<PushResult> {
  const [first, ...others] = tags.values();
  if (first !== undefined) {
    const { digest } = first;
    const reference = `${repository}@${digest}`;
    // podman calls every tag "latest".
    const only = wanted === undefined || others.length > 0 ? first : { ...first, tag: wanted };
    return { repository, reference, digest, tags: [only, ...others], isPartOfIndex };
  }
  const found = wanted === undefined
    ? undefined
    : await digestOnEngine(client, repository, wanted, call.signal);
  if (found !== undefined) {
    const only = { tag: wanted ?? "", digest: found, size: undefined };
    const reference = `${repository}@${found}`;
    return { repository, reference, digest: found, tags: [only], isPartOfIndex };
  }
  throw new PushError(`Cannot ${call.action}: the engine does not say that it did`, {
    status: 200,
    endpoint: `${call.method} ${call.path}`,
  });
}

/** The digest under which the engine knows the image in the registry. */
async function digestOnEngine(
  client: EngineClient,
  repository: string,
  tag: string,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const image = await getImage(client, `${repository}:${tag}`, { signal });
  const prefix = `${repository}@`;
  const [digest, ...others] = image.digests.filter((name) => name.startsWith(prefix));
  // Of several, any could be the one of now.
  return others.length === 0 ? digest?.slice(prefix.length) : undefined;
}
