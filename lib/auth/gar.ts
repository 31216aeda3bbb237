import { decodeBase64, encodeBase64Url } from "../model/base64.ts";
import { InvalidConfigError } from "../model/errors.ts";
import { isJSONObject } from "../model/json_object.ts";
import type { Transport } from "../model/transport.ts";
import type { AccessToken, AccessTokenSource } from "./access_token.ts";
import { ANONYMOUS, type BasicCredentials, type CredentialProvider } from "./credentials.ts";
import { askCloud, secondsIn, textIn } from "./_cloud_request.ts";
import { ExpiringCache } from "./_expiring_cache.ts";
import { registryKey } from "./registry_key.ts";

const SCOPE = "https://www.googleapis.com/auth/cloud-platform";
const TOKEN_URI = "https://oauth2.googleapis.com/token";
const GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/** The longest that Google takes an assertion for good. */
const ASSERTION_SECONDS = 3600;

/** Container Registry and Artifact Registry; a location is one label, such as `europe-west1`. */
const HOST_REGEXP = /^(?:(?:[a-z0-9-]+\.)?gcr\.io|[a-z0-9][a-z0-9-]*-docker\.pkg\.dev)$/;

/**
 * Tells whether a host is a registry of Google, by its name alone: `gcr.io`, `eu.gcr.io`,
 * `europe-west1-docker.pkg.dev`.
 *
 * @param registry The registry, host and port.
 * @returns Whether it is.
 */
export function isGoogleHost(registry: string): boolean {
  return HOST_REGEXP.test(registryKey(registry));
}

/** Who asks Google: an account by its key, or somebody who has access tokens. */
export type GoogleIdentity =
  | {
    /** The key of a service account: the JSON text of the file. */
    readonly serviceAccountKey: string;
    /**
     * Sends the whole key to the registry as a password (`_json_key`), and asks for no tokens;
     * default `false`.
     */
    readonly keyAsPassword?: boolean | undefined;
    readonly accessToken?: undefined;
  }
  | {
    /** Gets access tokens, such as {@linkcode googleMetadataToken}. */
    readonly accessToken: AccessTokenSource;
    readonly serviceAccountKey?: undefined;
  };

/** Options of {@linkcode googleCredentials}. */
export type GoogleCredentialsOptions = GoogleIdentity & {
  /** Sends the requests to Google. */
  readonly transport: Transport;
  /** Tells the time in milliseconds; default `Date.now`. */
  readonly now?: (() => number) | undefined;
};

/**
 * Gives the credentials of Google's Container Registry and Artifact Registry: an access token as the
 * password of `oauth2accesstoken`, or the key of a service account as that of `_json_key`. Tokens are
 * kept until shortly before their end; requests at the same time share one. Other registries get
 * anonymous credentials, and Google is not asked.
 *
 * @param options Who asks, and what sends the requests.
 * @returns The provider. It rejects with `AuthenticationError` when Google refuses, and with
 * `RegistryError` when it does not answer.
 * @throws {InvalidConfigError} when the key is none; nothing of it is in the error.
 *
 * @example With tokens from elsewhere
 * ```ts
 * import { googleCredentials } from "@lading/lading/auth";
 *
 * const provider = googleCredentials({
 *   transport: fetch,
 *   accessToken: () => Promise.resolve({ token: "ya29.…", expiresInSeconds: 3600 }),
 * });
 * console.log(await provider({ registry: "europe-west1-docker.pkg.dev" }));
 * // { kind: "basic", username: "oauth2accesstoken", password: "ya29.…" }
 * ```
 */
export function googleCredentials(options: GoogleCredentialsOptions): CredentialProvider {
  const cache = new ExpiringCache<BasicCredentials>(options.now);
  const find = finderOf(options);
  return async ({ registry, signal }) => {
    if (!isGoogleHost(registry)) return ANONYMOUS;
    return await cache.get("", async (ours) => {
      const { token, expiresInSeconds = 0, username = "oauth2accesstoken" } = await find(
        registry,
        ours,
      );
      const value = { kind: "basic", username, password: token } as const;
      return { value, lifetimeMs: expiresInSeconds * 1000 };
    }, signal);
  };
}

type Finder = (
  registry: string,
  signal: AbortSignal,
) => Promise<AccessToken & { readonly username?: string }>;

function finderOf(options: GoogleCredentialsOptions): Finder {
  if (options.accessToken !== undefined) {
    const { accessToken } = options;
    return (_, signal) => accessToken(signal);
  }
  const { serviceAccountKey, keyAsPassword = false, transport, now = Date.now } = options;
  const key = parseKey(serviceAccountKey);
  if (keyAsPassword) {
    // One line, as a password has to be; the values are what Google looks at.
    const token = JSON.stringify(JSON.parse(serviceAccountKey));
    return () => Promise.resolve({ token, username: "_json_key" });
  }
  return (registry, signal) => exchange(key, registry, transport, now(), signal);
}

/** What is needed of the key of a service account. */
interface ServiceAccountKey {
  readonly email: string;
  readonly keyID: string | undefined;
  readonly privateKey: string;
  readonly tokenURI: string;
}

function invalidKey(reason: string): InvalidConfigError {
  // The input is left out: it holds the private key.
  const message = `Cannot use the key of the service account: ${reason}`;
  return new InvalidConfigError(message, { input: "" });
}

function parseKey(text: string): ServiceAccountKey {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch {
    throw invalidKey("it is no JSON");
  }
  if (!isJSONObject(fields)) throw invalidKey("it is no JSON object");
  const { client_email: email, private_key: privateKey, private_key_id: keyID } = fields;
  const { token_uri: tokenURI = TOKEN_URI } = fields;
  if (typeof email !== "string" || typeof privateKey !== "string") {
    throw invalidKey("client_email or private_key is missing");
  }
  const isURL = typeof tokenURI === "string" && URL.canParse(tokenURI);
  if (!isURL || new URL(tokenURI).protocol !== "https:") {
    throw invalidKey("its token_uri is no https URL");
  }
  return { email, privateKey, tokenURI, keyID: typeof keyID === "string" ? keyID : undefined };
}

async function exchange(
  key: ServiceAccountKey,
  registry: string,
  transport: Transport,
  now: number,
  signal: AbortSignal,
): Promise<AccessToken> {
  const assertion = await assertionOf(key, now);
  const request = {
    transport,
    registry,
    signal,
    url: new URL(key.tokenURI),
    method: "POST",
    headers: {
      accept: "application/json",
      "content-type": "application/x-www-form-urlencoded",
    },
    body: new URLSearchParams({ grant_type: GRANT_TYPE, assertion }).toString(),
    secrets: [assertion],
  } as const;
  const reply = await askCloud(request);
  return {
    token: textIn(request, reply, "access_token"),
    expiresInSeconds: secondsIn(reply, "expires_in"),
  };
}

/** Makes the signed claim of a service account (RFC 7523, RS256). */
async function assertionOf(key: ServiceAccountKey, now: number): Promise<string> {
  const issuedAt = Math.floor(now / 1000);
  const text = [
    { alg: "RS256", typ: "JWT", kid: key.keyID },
    {
      iss: key.email,
      scope: SCOPE,
      aud: key.tokenURI,
      iat: issuedAt,
      exp: issuedAt + ASSERTION_SECONDS,
    },
  ].map((part) => encodeBase64Url(new TextEncoder().encode(JSON.stringify(part)))).join(".");
  const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  let signer: CryptoKey;
  try {
    const der = decodeBase64(key.privateKey.replace(/-----[^-]+-----|\s/g, ""));
    signer = await crypto.subtle.importKey("pkcs8", der, algorithm, false, ["sign"]);
  } catch {
    throw invalidKey("its private_key is no RSA key in PKCS #8");
  }
  const signature = await crypto.subtle.sign(algorithm, signer, new TextEncoder().encode(text));
  return `${text}.${encodeBase64Url(new Uint8Array(signature))}`;
}

/**
 * Gets access tokens from the metadata server of Google's machines. It is spoken to over http, which
 * stays on the machine.
 *
 * @param transport Sends the request.
 * @param account The service account; default the machine's own.
 * @returns What gets tokens. It rejects with `RegistryError` when there is no such server.
 */
export function googleMetadataToken(transport: Transport, account = "default"): AccessTokenSource {
  const name = encodeURIComponent(account);
  const path = `/computeMetadata/v1/instance/service-accounts/${name}/token`;
  return async (signal) => {
    const request = {
      transport,
      signal,
      registry: "Google's registries",
      url: new URL(path, "http://metadata.google.internal"),
      method: "GET",
      headers: { "metadata-flavor": "Google" },
      secrets: [],
    } as const;
    const reply = await askCloud(request);
    return {
      token: textIn(request, reply, "access_token"),
      expiresInSeconds: secondsIn(reply, "expires_in"),
    };
  };
}
