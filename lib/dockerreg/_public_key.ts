import { isJSONObject } from "../model/json_object.ts";
import { schemeOf, type SignatureAlgorithm } from "./_jwa.ts";

/** A public key as libtrust writes it into signatures. */
export interface PublicKey {
  readonly jwk: Readonly<Record<string, string>>;
  readonly keyID: string;
}

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

function encodeBase32(bytes: Uint8Array): string {
  let text = "";
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = (held << 8 | byte) & 0xfff;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += BASE32.charAt(held >> bits - 5 & 31);
  }
  return text;
}

/**
 * Computes the fingerprint of a public key (docker/libtrust, `key.go`): 240 bits of the SHA-256 of
 * its SPKI, in base32, in twelve groups of four.
 */
async function keyIDOf(key: CryptoKey): Promise<string> {
  const spki = await crypto.subtle.exportKey("spki", key);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", spki));
  return encodeBase32(hash.subarray(0, 30)).match(/.{4}/g)?.join(":") ?? "";
}

/** The members of a JWK that are the key, in the order in which libtrust writes them. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  EC: ["crv", "kty", "x", "y"],
  RSA: ["e", "kty", "n"],
};

function membersOf(jwk: Readonly<Record<string, unknown>>): Record<string, string> | undefined {
  const names = typeof jwk.kty === "string" ? MEMBERS[jwk.kty] : undefined;
  if (names === undefined) return undefined;
  const found: Record<string, string> = {};
  for (const name of names) {
    const value = jwk[name];
    if (typeof value !== "string") return undefined;
    found[name] = value;
  }
  return found;
}

/** Exports a public key for signatures. */
export async function publicJWK(key: CryptoKey): Promise<PublicKey> {
  const keyID = await keyIDOf(key);
  const exported = await crypto.subtle.exportKey("jwk", key);
  const jwk = membersOf({ ...exported }) ?? {};
  const entries = [...Object.entries(jwk), ["kid", keyID]] as [string, string][];
  return { jwk: Object.fromEntries(entries.sort(([a], [b]) => a < b ? -1 : 1)), keyID };
}

/** A key that signatures can be verified with. */
export interface ImportedKey {
  readonly key: CryptoKey;
  readonly keyID: string;
}

/** Imports the key of a signature; `undefined` when it is none of the algorithm. */
export async function importPublicKey(
  jwk: unknown,
  algorithm: SignatureAlgorithm,
): Promise<ImportedKey | undefined> {
  const members = isJSONObject(jwk) ? membersOf(jwk) : undefined;
  const { key: parameters } = schemeOf(algorithm);
  // Deno takes a point of another curve, and fails later.
  const curve = "namedCurve" in parameters ? parameters.namedCurve : undefined;
  if (members === undefined || members.crv !== curve) return undefined;
  try {
    // Extractable: the fingerprint is computed from it.
    const key = await crypto.subtle.importKey("jwk", members, parameters, true, ["verify"]);
    return { key, keyID: await keyIDOf(key) };
  } catch {
    return undefined;
  }
}
