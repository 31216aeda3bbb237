/**
 * Credentials for registries: finding them in Docker's configuration and keeping them there, getting
 * them from the clouds of Amazon, Google, Microsoft and GitHub, answering the challenges of registries
 * with Basic or with tokens, and sending secrets to no other host than the one they are for.
 *
 * {@linkcode createAuthenticator} does all of it for one registry; the parts are here for those who
 * build something else.
 *
 * @example Authenticate as a configuration file says
 * ```ts
 * import { createAuthenticator, dockerConfigCredentials, parseDockerConfig } from "@lading/lading/auth";
 *
 * const config = parseDockerConfig('{ "auths": { "r.example": { "auth": "dXNlcjpwYXNz" } } }');
 * const authenticator = createAuthenticator({
 *   origin: "https://r.example",
 *   registry: "r.example",
 *   credentials: dockerConfigCredentials(config),
 *   transport: (request) => {
 *     const isKnown = request.headers.get("authorization") === "Basic dXNlcjpwYXNz";
 *     const headers = { "www-authenticate": 'Basic realm="r.example"' };
 *     return Promise.resolve(isKnown ? new Response("{}") : new Response("", { status: 401, headers }));
 *   },
 * });
 * const response = await authenticator.send(() => new Request("https://r.example/v2/"));
 * console.log(response.status); // 200
 * ```
 *
 * @module
 */
export type { Transport, TransportTraits } from "../model/transport.ts";
export type { AccessToken, AccessTokenSource } from "./access_token.ts";
export {
  azureCredentials,
  type AzureCredentialsOptions,
  type AzureIdentity,
  isAzureHost,
  type ServicePrincipal,
} from "./acr.ts";
export { basicAuthorization, isHeaderToken } from "./authorization.ts";
export {
  type AWSCredentials,
  type AWSRequest,
  type AWSScope,
  signAWSRequest,
} from "./aws_signature.ts";
export {
  type Challenge,
  MAX_CHALLENGE_HEADER_LENGTH,
  MAX_CHALLENGES,
  parseChallenges,
} from "./challenge.ts";
export {
  ANONYMOUS,
  type AnonymousCredentials,
  type BasicCredentials,
  type CredentialProvider,
  type CredentialRequest,
  type Credentials,
  firstCredentials,
  identityOf,
  type IdentityTokenCredentials,
  type NamedIdentityTokenCredentials,
  type RegistryTokenCredentials,
  sameCredentials,
  staticCredentials,
  type StorableCredentials,
} from "./credentials.ts";
export {
  type DockerAuthEntry,
  type DockerConfig,
  dockerConfigCredentials,
  type DockerConfigOptions,
  findAuthEntry,
  findHelper,
  MAX_CONFIG_LENGTH,
  parseDockerConfig,
  requireHelper,
} from "./docker_config.ts";
export { parseLegacyDockerConfig } from "./legacy_docker_config.ts";
export { eraseFromDockerConfig, storeInDockerConfig } from "./docker_config_edit.ts";
export {
  type CredentialPlace,
  type CredentialStoreOptions,
  type DockerConfigFile,
  eraseCredentials,
  storeCredentials,
} from "./docker_config_store.ts";
export {
  ecrCredentials,
  type ECRCredentialsOptions,
  type ECRRegistry,
  parseECRHost,
} from "./ecr.ts";
export {
  googleCredentials,
  type GoogleCredentialsOptions,
  type GoogleIdentity,
  googleMetadataToken,
  isGoogleHost,
} from "./gar.ts";
export { githubCredentials, type GitHubCredentialsOptions } from "./ghcr.ts";
export {
  askHelper,
  eraseFromHelper,
  helperCredentials,
  type HelperOutput,
  type HelperRunner,
  listHelper,
  MAX_HELPER_OUTPUT_LENGTH,
  storeInHelper,
} from "./helper.ts";
export { isPrivateHost } from "./private_host.ts";
export { canonicalAddress, checkRealm, type RealmCheck, type RealmPolicy } from "./realm.ts";
export { hostOfKey, isKeyOf, pathOfKey, registryKey, serverAddress } from "./registry_key.ts";
export {
  coversScopes,
  formatScope,
  mergeScopes,
  parseScope,
  repositoryScope,
  type Scope,
  scopeKey,
} from "./scope.ts";
export {
  fetchToken,
  MIN_TOKEN_LIFETIME_SECONDS,
  type Token,
  TOKEN_TIMEOUT_MS,
  type TokenRequest,
} from "./token.ts";
export { type StoredToken, StoredTokenCache, type TokenCacheState } from "./stored_tokens.ts";
export { TokenCache, type TokenCacheOptions, type TokenKey } from "./token_cache.ts";
export {
  type AnonymousSendOptions,
  type AuthenticatedTransport,
  createAuthenticator,
  sendAnonymously,
  withAuth,
  type WithAuthOptions,
} from "./with_auth.ts";
export type {
  AuthenticatedSendOptions,
  Authenticator,
  AuthenticatorOptions,
} from "./authenticator.ts";
