import { decodeBase64 } from "../model/base64.ts";
import { isJSONObject, type JSONObject } from "../model/json_object.ts";
import type { Transport } from "../model/transport.ts";
import { ANONYMOUS, type BasicCredentials, type CredentialProvider } from "./credentials.ts";
import { type AWSCredentials, signAWSRequest } from "./aws_signature.ts";
import { askCloud, type CloudRequest, replyError, textIn } from "./_cloud_request.ts";
import { type Expiring, ExpiringCache } from "./_expiring_cache.ts";
import { registryKey } from "./registry_key.ts";

/** Where the tokens of an ECR registry come from. */
export interface ECRRegistry {
  /** The service that signs: private registries or the public one. */
  readonly service: "ecr" | "ecr-public";
  /** The region of the API, such as `eu-central-1`. */
  readonly region: string;
  /** The URL of the API. */
  readonly endpoint: string;
}

/** Twelve digits of an account, then one of the domains of AWS and of its other partitions. */
const PRIVATE_REGEXP =
  /^\d{12}\.dkr\.ecr(-fips)?\.([a-z0-9][a-z0-9-]{0,62})\.(amazonaws\.(?:com(?:\.cn)?|eu)|sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$/;

/** The same over IPv4 and IPv6. */
const DUAL_STACK_REGEXP =
  /^\d{12}\.dkr-ecr(-fips)?\.([a-z0-9][a-z0-9-]{0,62})\.on\.(aws|amazonwebservices\.com\.cn)$/;

const PUBLIC: ECRRegistry = {
  service: "ecr-public",
  region: "us-east-1",
  endpoint: "https://api.ecr-public.us-east-1.amazonaws.com/",
};

const TARGETS: Readonly<Record<ECRRegistry["service"], string>> = {
  "ecr": "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken",
  "ecr-public": "SpencerFrontendService.GetAuthorizationToken",
};

/**
 * Tells whether a host is a registry of Amazon ECR, by its name alone: private ones of any partition
 * (also FIPS and dual stack), and `public.ecr.aws`.
 *
 * @param registry The registry, host and port.
 * @returns Where its tokens come from; `undefined` for every other host.
 */
export function parseECRHost(registry: string): ECRRegistry | undefined {
  const host = registryKey(registry);
  if (host === "public.ecr.aws") return PUBLIC;
  const single = PRIVATE_REGEXP.exec(host);
  if (single !== null) {
    const [, fips, region = "", domain] = single;
    const name = fips === undefined ? "api.ecr" : "ecr-fips";
    return { service: "ecr", region, endpoint: `https://${name}.${region}.${domain}/` };
  }
  const dual = DUAL_STACK_REGEXP.exec(host);
  if (dual === null) return undefined;
  const [, fips = "", region = "", domain] = dual;
  return { service: "ecr", region, endpoint: `https://ecr${fips}.${region}.api.${domain}/` };
}

/** Options of {@linkcode ecrCredentials}. */
export interface ECRCredentialsOptions {
  /** Sends the requests to AWS. */
  readonly transport: Transport;
  /** The credentials of AWS, or what gets them; it is asked for each new token. */
  readonly credentials: AWSCredentials | ((signal?: AbortSignal) => Promise<AWSCredentials>);
  /** The URL of the API, for instance that of a VPC; default that of the registry's region. */
  readonly endpoint?: string | undefined;
  /** Tells the time in milliseconds; default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/**
 * Gives the credentials of Amazon ECR: a token of twelve hours, by `GetAuthorizationToken`. It is
 * kept until five minutes before its end and serves all registries of the region; requests at the
 * same time share one. Other registries get anonymous credentials, and AWS is not asked.
 *
 * @param options The credentials of AWS, and what sends the request.
 * @returns The provider. It rejects with `AuthenticationError` when AWS refuses, and with
 * `RegistryError` when it does not answer.
 *
 * @example A chain of providers
 * ```ts
 * import { ecrCredentials, firstCredentials } from "@lading/lading/auth";
 *
 * const provider = firstCredentials(ecrCredentials({
 *   transport: fetch,
 *   credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "…" },
 * }));
 * console.log((await provider({ registry: "docker.io" })).kind); // anonymous
 * ```
 */
export function ecrCredentials(options: ECRCredentialsOptions): CredentialProvider {
  const cache = new ExpiringCache<BasicCredentials>(options.now);
  return async ({ registry, signal }) => {
    const found = parseECRHost(registry);
    if (found === undefined) return ANONYMOUS;
    const api = { ...found, endpoint: options.endpoint ?? found.endpoint };
    const key = `${api.service} ${api.region} ${api.endpoint}`;
    return await cache.get(key, (ours) => authorize(api, registry, options, ours), signal);
  };
}

async function authorize(
  api: ECRRegistry,
  registry: string,
  options: ECRCredentialsOptions,
  signal: AbortSignal,
): Promise<Expiring<BasicCredentials>> {
  const { transport, credentials, now = Date.now } = options;
  const account = typeof credentials === "function" ? await credentials(signal) : credentials;
  const url = new URL(api.endpoint);
  const headers = {
    "content-type": "application/x-amz-json-1.1",
    "x-amz-target": TARGETS[api.service],
  };
  const request = { method: "POST", url, headers, body: "{}" } as const;
  const signed = await signAWSRequest(request, account, api, new Date(now()));
  const { secretAccessKey, sessionToken = "" } = account;
  const secrets = [secretAccessKey, sessionToken, signed["authorization"] ?? ""];
  const call = { ...request, transport, registry, headers: signed, secrets, signal };
  return tokenIn(call, await askCloud(call), now());
}

/** Reads the reply: a list of one from private registries, the one itself from the public one. */
function tokenIn(call: CloudRequest, reply: JSONObject, now: number): Expiring<BasicCredentials> {
  const { authorizationData: data } = reply;
  const entry: unknown = Array.isArray(data) ? data[0] : data;
  if (!isJSONObject(entry)) throw replyError(call, "the reply holds no authorizationData");
  const token = textIn(call, entry, "authorizationToken");
  let pair = "";
  try {
    pair = new TextDecoder().decode(decodeBase64(token));
  } catch {
    // Told below; the words of the decoder add nothing.
  }
  const colon = pair.indexOf(":");
  if (colon <= 0) throw replyError(call, "the authorizationToken is no user name and password");
  const value = {
    kind: "basic",
    username: pair.slice(0, colon),
    password: pair.slice(colon + 1),
  } as const;
  const { expiresAt } = entry;
  const lifetimeMs = typeof expiresAt === "number" ? Math.max(0, expiresAt * 1000 - now) : 0;
  return { value, lifetimeMs };
}
