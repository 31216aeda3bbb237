import type { Bytes } from "../model/bytes.ts";
import { type DigestAlgorithm, formatDigest } from "../model/digest.ts";
import { parseReference, withDefaultTag } from "../model/reference.ts";
import { createClient } from "./_create_client.ts";
import { endpointOf } from "./endpoint.ts";
import type { Gate } from "./lanes.ts";
import { getManifest, type Manifest, type ManifestOptions } from "./manifests.ts";
import { manifestName } from "./_manifest_name.ts";
import type { RegistryOptions } from "./registry_options.ts";

/** Options of {@linkcode fetchManifest}. */
export interface FetchManifestOptions extends RegistryOptions, ManifestOptions {}

const NAMES = { sha256: "SHA-256", sha512: "SHA-512" } as const;

async function webCryptoDigest(algorithm: DigestAlgorithm, bytes: Bytes): Promise<string> {
  const hash = await crypto.subtle.digest(NAMES[algorithm], bytes);
  return formatDigest(algorithm, new Uint8Array(hash));
}

/** One request at a time needs no lane. */
const OPEN: Gate = {
  acquire: () => Promise.resolve({ reading() {}, release() {} }),
};

/**
 * Fetches one manifest or index, with the authentication, redirects, retries and limits of
 * {@linkcode Registry}: what an edge worker needs that answers from a manifest. Bundled, it is half
 * as large, because nothing else comes with it. The digest is proved by WebCrypto before the bytes
 * are parsed; at most 4 MiB are held in memory. Tokens are kept between calls when `tokens` is
 * shared.
 *
 * @param reference The image: `alpine:3.20`, `ghcr.io/acme/app@sha256:…`; `latest` by default.
 * @param options How to reach the registry, the media types to ask for, and a signal.
 * @returns The manifest: its bytes, what they are and what they say.
 * @throws {InvalidReferenceError} when the text is no reference.
 * @throws {NotFoundError} when there is no such manifest.
 * @throws {AuthenticationError} when the registry refuses the credentials.
 * @throws {DigestMismatchError} when the bytes have another digest than was asked for, or than the
 * registry says.
 * @throws {InvalidManifestError} when the bytes are no manifest.
 * @throws {RegistryError} when the registry does not answer, or not like a registry.
 * @throws {TypeError} when there is no WebCrypto: on pages that are neither https nor local.
 *
 * @example The platforms of an image
 * ```ts
 * import { fetchManifest } from "@lading/lading/registry";
 * import { registryHandler } from "@lading/lading/server";
 * import { randomIndex } from "@lading/lading/testing";
 * import { memoryStore } from "@lading/lading/store";
 *
 * const store = memoryStore();
 * await (await randomIndex("seed")).pushTo(store, "acme/app:1");
 * const transport = registryHandler(store); // without it, the registry is asked
 * const { descriptor, parsed } = await fetchManifest("ghcr.io/acme/app:1", { transport });
 * console.log(descriptor.digest);
 * if (parsed.kind === "index") {
 *   console.log(parsed.value.manifests.map(({ platform }) => platform?.architecture));
 * }
 * ```
 */
export async function fetchManifest(
  reference: string,
  options: FetchManifestOptions = {},
): Promise<Manifest> {
  const { registry, repository, tag, digest } = withDefaultTag(parseReference(reference));
  const client = createClient(endpointOf(registry, options.plainHTTP), options, OPEN);
  const fullName = `${client.endpoint.name}/${repository}`;
  const context = { client, name: repository, fullName, hash: webCryptoDigest };
  const { accept, signal } = options;
  return await getManifest(context, manifestName(digest ?? tag ?? ""), { accept, signal });
}
