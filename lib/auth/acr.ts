import type { Transport } from "../model/transport.ts";
import type { AccessToken, AccessTokenSource } from "./access_token.ts";
import {
  ANONYMOUS,
  type CredentialProvider,
  type IdentityTokenCredentials,
} from "./credentials.ts";
import { askCloud, secondsIn, textIn } from "./_cloud_request.ts";
import { ExpiringCache } from "./_expiring_cache.ts";
import { registryKey } from "./registry_key.ts";

/** The name of the registry, with the hash that may follow it, in one of the clouds. */
const HOST_REGEXP = /^[a-z0-9][a-z0-9-]{3,62}\.azurecr\.(io|cn|us)$/;

/** Where accounts of the clouds log in. */
const AUTHORITIES: Readonly<Record<string, string>> = {
  io: "https://login.microsoftonline.com",
  cn: "https://login.chinacloudapi.cn",
  us: "https://login.microsoftonline.us",
};

const SCOPE = "https://containerregistry.azure.net/.default";

/** How long a registry takes its refresh tokens for good; they do not say so themselves. */
const REFRESH_TOKEN_MS = 3 * 3600 * 1000;

/** A tenant is a GUID or a domain. */
const TENANT_REGEXP = /^[A-Za-z0-9][A-Za-z0-9.-]{0,254}$/;

/**
 * Tells whether a host is a registry of Azure, by its name alone: `acme.azurecr.io`, and the same of
 * the clouds of China and of the government of the United States.
 *
 * @param registry The registry, host and port.
 * @returns Whether it is.
 */
export function isAzureHost(registry: string): boolean {
  return HOST_REGEXP.test(registryKey(registry));
}

/** An application that is known to Microsoft Entra ID. */
export interface ServicePrincipal {
  /** The tenant, a GUID or a domain. */
  readonly tenant: string;
  /** The ID of the application. */
  readonly clientID: string;
  /** Its secret. */
  readonly clientSecret: string;
}

/** Who asks Azure: an application, or somebody who has access tokens of Microsoft Entra ID. */
export type AzureIdentity =
  | {
    /** The application. */
    readonly servicePrincipal: ServicePrincipal;
    readonly accessToken?: undefined;
  }
  | {
    /** Gets access tokens for `https://containerregistry.azure.net/.default`. */
    readonly accessToken: AccessTokenSource;
    readonly servicePrincipal?: undefined;
    /** The tenant of the tokens, where it is not the registry's own. */
    readonly tenant?: string | undefined;
  };

/** Options of {@linkcode azureCredentials}. */
export type AzureCredentialsOptions = AzureIdentity & {
  /** Sends the requests to Azure. */
  readonly transport: Transport;
  /** Tells the time in milliseconds; default `Date.now`. */
  readonly now?: (() => number) | undefined;
};

/**
 * Gives the credentials of Azure Container Registry: an access token of Microsoft Entra ID is
 * exchanged at the registry for an identity token of three hours, which is kept until five minutes
 * before its end, for this registry alone; requests at the same time share one. Other registries get
 * anonymous credentials, and nobody is asked.
 *
 * @param options Who asks, and what sends the requests.
 * @returns The provider. It rejects with `AuthenticationError` when Azure refuses, and with
 * `RegistryError` when it does not answer.
 * @throws {TypeError} when the tenant is neither a GUID nor a domain.
 *
 * @example With tokens from elsewhere
 * ```ts
 * import { azureCredentials } from "@lading/lading/auth";
 *
 * const provider = azureCredentials({
 *   transport: () => Promise.resolve(Response.json({ refresh_token: "refresh" })),
 *   accessToken: () => Promise.resolve({ token: "…" }),
 * });
 * console.log((await provider({ registry: "acme.azurecr.io" })).kind); // identity-token
 * ```
 */
export function azureCredentials(options: AzureCredentialsOptions): CredentialProvider {
  const { transport, now } = options;
  const tenant = options.servicePrincipal?.tenant ??
    ("tenant" in options ? options.tenant : undefined);
  if (tenant !== undefined && !TENANT_REGEXP.test(tenant)) {
    throw new TypeError("Cannot ask for Azure credentials: the tenant is no GUID and no domain");
  }
  const tokens = new ExpiringCache<AccessToken>(now);
  const cache = new ExpiringCache<IdentityTokenCredentials>(now);
  return async ({ registry, signal }) => {
    const host = registryKey(registry);
    const cloud = HOST_REGEXP.exec(host)?.[1];
    if (cloud === undefined) return ANONYMOUS;
    return await cache.get(host, async (ours) => {
      const { token } = await tokens.get(cloud, async (signal) => {
        const value = options.servicePrincipal === undefined
          ? await options.accessToken(signal)
          : await askEntra(options.servicePrincipal, cloud, host, transport, signal);
        return { value, lifetimeMs: (value.expiresInSeconds ?? 0) * 1000 };
      }, ours);
      const value = {
        kind: "identity-token",
        token: await exchange(host, token, tenant, transport, ours),
      } as const;
      return { value, lifetimeMs: REFRESH_TOKEN_MS };
    }, signal);
  };
}

const FORM_HEADERS = {
  accept: "application/json",
  "content-type": "application/x-www-form-urlencoded",
} as const;

async function askEntra(
  { tenant, clientID, clientSecret }: ServicePrincipal,
  cloud: string,
  registry: string,
  transport: Transport,
  signal: AbortSignal,
): Promise<AccessToken> {
  const request = {
    transport,
    registry,
    signal,
    url: new URL(`/${tenant}/oauth2/v2.0/token`, AUTHORITIES[cloud]),
    method: "POST",
    headers: FORM_HEADERS,
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: clientID,
      client_secret: clientSecret,
      scope: SCOPE,
    }).toString(),
    secrets: [clientSecret],
  } as const;
  const reply = await askCloud(request);
  return {
    token: textIn(request, reply, "access_token"),
    expiresInSeconds: secondsIn(reply, "expires_in"),
  };
}

/** Turns a token of Entra ID into one of the registry. */
async function exchange(
  host: string,
  token: string,
  tenant: string | undefined,
  transport: Transport,
  signal: AbortSignal,
): Promise<string> {
  const request = {
    transport,
    registry: host,
    signal,
    url: new URL(`https://${host}/oauth2/exchange`),
    method: "POST",
    headers: FORM_HEADERS,
    body: new URLSearchParams({
      grant_type: "access_token",
      service: host,
      ...tenant === undefined ? {} : { tenant },
      access_token: token,
    }).toString(),
    secrets: [token],
  } as const;
  return textIn(request, await askCloud(request), "refresh_token");
}
