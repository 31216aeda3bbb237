/** The algorithms of JSON Web Signatures that libtrust writes (RFC 7518 §3.3, §3.4). */
export type SignatureAlgorithm = "ES256" | "ES384" | "ES512" | "RS256" | "RS384" | "RS512";

/** What WebCrypto has to be told about an algorithm. */
interface Scheme {
  /** How the key is imported. */
  readonly key: EcKeyImportParams | RsaHashedImportParams;
  /** How is signed and verified. */
  readonly use: AlgorithmIdentifier | EcdsaParams;
  /** The bytes of a signature, where the algorithm fixes them: r and s. */
  readonly signatureBytes?: number;
}

function ecdsa(namedCurve: string, hash: string, signatureBytes: number): Scheme {
  return {
    key: { name: "ECDSA", namedCurve },
    use: { name: "ECDSA", hash },
    signatureBytes,
  };
}

function rsa(hash: string): Scheme {
  return { key: { name: "RSASSA-PKCS1-v1_5", hash }, use: { name: "RSASSA-PKCS1-v1_5" } };
}

/** Without `none`, and without algorithms of shared secrets. */
const SCHEMES: Readonly<Record<SignatureAlgorithm, Scheme>> = {
  ES256: ecdsa("P-256", "SHA-256", 64),
  ES384: ecdsa("P-384", "SHA-384", 96),
  ES512: ecdsa("P-521", "SHA-512", 132),
  RS256: rsa("SHA-256"),
  RS384: rsa("SHA-384"),
  RS512: rsa("SHA-512"),
};

/** Tells whether a name is that of an algorithm that can be verified. */
export function isSignatureAlgorithm(name: unknown): name is SignatureAlgorithm {
  return typeof name === "string" && Object.hasOwn(SCHEMES, name);
}

/** What WebCrypto has to be told about an algorithm. */
export function schemeOf(algorithm: SignatureAlgorithm): Scheme {
  return SCHEMES[algorithm];
}

/** Finds the algorithm that a key of WebCrypto signs with. */
export function algorithmOfKey(key: CryptoKey): SignatureAlgorithm | undefined {
  const { name, namedCurve, hash } = key.algorithm as Partial<
    EcKeyAlgorithm & RsaHashedKeyAlgorithm
  >;
  return Object.keys(SCHEMES).filter(isSignatureAlgorithm).find((algorithm) => {
    const wanted = SCHEMES[algorithm].key;
    if (wanted.name !== name) return false;
    return "namedCurve" in wanted
      ? wanted.namedCurve === namedCurve
      : "hash" in wanted && wanted.hash === hash?.name;
  });
}
