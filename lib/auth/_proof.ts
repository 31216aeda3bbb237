import { basicAuthorization } from "./authorization.ts";
import type { BasicCredentials, Credentials } from "./credentials.ts";
import type { Token } from "./token.ts";
import type { TokenKey } from "./token_cache.ts";
import { secretsOf } from "./_redact.ts";

/** The token server of a registry. */
export interface TokenServer {
  readonly realm: URL;
  readonly service: string | undefined;
}

/** What goes along with a request. */
export type Proof =
  | { readonly kind: "none" }
  | { readonly kind: "basic"; readonly credentials: BasicCredentials }
  | { readonly kind: "registry-token"; readonly credentials: Credentials; readonly value: string }
  | {
    readonly kind: "bearer";
    readonly credentials: Credentials;
    readonly server: TokenServer;
    readonly key: TokenKey;
    readonly token: Token;
    /** Fetched for this request, so another one for the same scopes would be no better. */
    readonly isFresh: boolean;
  };

export const NO_PROOF: Proof = { kind: "none" };

/** The value of the `Authorization` header. */
export function authorizationOf(proof: Proof): string | undefined {
  switch (proof.kind) {
    case "none":
      return undefined;
    case "basic":
      return basicAuthorization(proof.credentials);
    case "registry-token":
      return `Bearer ${proof.value}`;
    case "bearer":
      return `Bearer ${proof.token.value}`;
  }
}

/** The texts of a proof that no message may hold. */
export function proofSecrets(proof: Proof): string[] {
  if (proof.kind === "none") return [];
  const secrets = secretsOf(proof.credentials);
  return proof.kind === "bearer" ? [...secrets, proof.token.value] : secrets;
}
