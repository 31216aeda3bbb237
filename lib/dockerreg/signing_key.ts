import { algorithmOfKey, schemeOf, type SignatureAlgorithm } from "./_jwa.ts";
import { publicJWK, type PublicKey } from "./_public_key.ts";

export type { SignatureAlgorithm };

/** What signs manifests of schema 1. */
export interface SigningKey {
  /** The algorithm. */
  readonly algorithm: SignatureAlgorithm;
  /** The fingerprint of the public key, as libtrust writes it. */
  readonly keyID: string;
  /** The public half, as it is put into signatures. */
  readonly jwk: Readonly<Record<string, string>>;
  /** The private half. */
  readonly privateKey: CryptoKey;
}

/**
 * Makes a key. Registries take a signature of any key: it proves that the manifest is whole, not
 * who made it.
 *
 * @param algorithm The algorithm; default `ES256`, which Docker's engines used.
 * @returns The key; its private half cannot be exported.
 */
export async function generateSigningKey(
  algorithm: SignatureAlgorithm = "ES256",
): Promise<SigningKey> {
  const { key } = schemeOf(algorithm);
  const parameters = "namedCurve" in key
    ? key
    : { ...key, modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
  const pair = await crypto.subtle.generateKey(parameters, false, ["sign", "verify"]);
  return await signingKey(pair as CryptoKeyPair);
}

/**
 * Takes a key of WebCrypto for signing.
 *
 * @param pair An ECDSA key pair on P-256, P-384 or P-521, or an RSASSA-PKCS1-v1_5 key pair. The
 * public half has to be extractable.
 * @returns The key.
 * @throws {TypeError} when the pair is of another kind, or may not sign.
 */
export async function signingKey(pair: CryptoKeyPair): Promise<SigningKey> {
  const algorithm = algorithmOfKey(pair.privateKey);
  if (algorithm === undefined || !pair.privateKey.usages.includes("sign")) {
    throw new TypeError(
      `Cannot sign with a key of ${pair.privateKey.algorithm.name}: give an ECDSA or ` +
        "RSASSA-PKCS1-v1_5 key pair that may sign",
    );
  }
  const { jwk, keyID }: PublicKey = await publicJWK(pair.publicKey);
  return { algorithm, keyID, jwk, privateKey: pair.privateKey };
}
