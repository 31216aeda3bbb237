// A token server for docker-registry: the protocol of distribution, signed with ES256 or RS256.
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { mustRun } from "./program.ts";

/** What a user may do, and how they prove who they are. */
export interface TokenUser {
  readonly password: string;
  /** A refresh token that is as good as the password. */
  readonly identityToken?: string;
  readonly actions: readonly string[];
}

/** One answer of the token server. */
export interface IssuedToken {
  readonly method: string;
  readonly user: string;
  readonly scopes: readonly string[];
  readonly status: number;
  readonly value: string;
}

export interface TokenServer {
  readonly origin: string;
  /** Every request, in order. */
  readonly issued: IssuedToken[];
  /** How long tokens are good for the registry, in seconds; below zero: expired long ago. */
  lifetimeSeconds: number;
  /** The `auth` section of the registry's configuration. */
  readonly auth: object;
  close(): Promise<void>;
}

const ISSUER = "lading test";
const SERVICE = "registry.test";

/** What the server tells clients about the lifetime, whatever it is. */
const PROMISED_SECONDS = 300;

interface Algorithm {
  /** The arguments of `openssl req`. */
  readonly newkey: readonly string[];
  readonly key: EcKeyImportParams | RsaHashedImportParams;
  readonly sign: AlgorithmIdentifier | EcdsaParams;
}

const ALGORITHMS: Readonly<Record<"ES256" | "RS256", Algorithm>> = {
  ES256: {
    newkey: ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    key: { name: "ECDSA", namedCurve: "P-256" },
    sign: { name: "ECDSA", hash: "SHA-256" },
  },
  RS256: {
    newkey: ["-newkey", "rsa:2048"],
    key: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
    sign: { name: "RSASSA-PKCS1-v1_5" },
  },
};

function derOf(pem: string): Buffer<ArrayBuffer> {
  return Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ""), "base64");
}

function base64URL(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}

async function bodyOf(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return new URLSearchParams(Buffer.concat(chunks).toString());
}

/** Who asks: "" for nobody, `undefined` when the proof is wrong. */
function identify(
  request: IncomingMessage,
  form: URLSearchParams,
  users: ReadonlyMap<string, TokenUser>,
): string | undefined {
  const refresh = form.get("refresh_token");
  if (refresh !== null) {
    return [...users].find(([, { identityToken }]) => identityToken === refresh)?.[0];
  }
  const { authorization } = request.headers;
  if (authorization === undefined) return "";
  const [name = "", password] = Buffer.from(authorization.replace(/^Basic /, ""), "base64")
    .toString().split(":");
  return users.get(name)?.password === password ? name : undefined;
}

/**
 * Starts a token server on loopback, with a key and a certificate of its own that openssl makes.
 *
 * @param folder Where key and certificate go.
 * @param algorithm How tokens are signed.
 * @param users Who there is; nobody may do nothing, but gets a token.
 */
export async function startTokenServer(
  folder: string,
  algorithm: keyof typeof ALGORITHMS,
  users: ReadonlyMap<string, TokenUser>,
): Promise<TokenServer> {
  const { newkey, key, sign } = ALGORITHMS[algorithm];
  const [keyFile, certificate] = [join(folder, "token.key"), join(folder, "token.crt")];
  await mustRun("openssl", [
    ...["req", "-x509", ...newkey, "-nodes", "-days", "2", "-subj", "/CN=lading test"],
    ...["-keyout", keyFile, "-out", certificate],
  ]);
  const signer = await crypto.subtle.importKey(
    "pkcs8",
    derOf(readFileSync(keyFile, "utf8")),
    key,
    false,
    ["sign"],
  );
  const x5c = [derOf(readFileSync(certificate, "utf8")).toString("base64")];

  /** A token of distribution (docs/spec/auth/jwt.md): only what is asked for and allowed. */
  const tokenFor = async (user: string, scopes: readonly string[], lifetime: number) => {
    const allowed = users.get(user)?.actions ?? [];
    const now = Math.floor(Date.now() / 1000);
    const text = [
      { typ: "JWT", alg: algorithm, x5c },
      {
        iss: ISSUER,
        sub: user,
        aud: SERVICE,
        exp: now + lifetime,
        nbf: now - 3600,
        iat: now,
        jti: crypto.randomUUID(),
        access: scopes.map((scope) => {
          const [type, name, actions = ""] = scope.split(":");
          return { type, name, actions: actions.split(",").filter((a) => allowed.includes(a)) };
        }),
      },
    ].map(base64URL).join(".");
    const signature = await crypto.subtle.sign(sign, signer, new TextEncoder().encode(text));
    return `${text}.${Buffer.from(signature).toString("base64url")}`;
  };

  const issued: IssuedToken[] = [];
  const server = createServer(async (request, response) => {
    const method = request.method ?? "";
    const { searchParams } = new URL(request.url ?? "/", "http://localhost");
    const form = method === "POST" ? await bodyOf(request) : searchParams;
    const scopes = form.getAll("scope").flatMap((scope) => scope.split(" "));
    const user = identify(request, form, users);
    const status = user === undefined ? 401 : 200;
    const value = user === undefined ? "" : await tokenFor(user, scopes, running.lifetimeSeconds);
    issued.push({ method, user: user ?? "", scopes, status, value });
    response.writeHead(status, { "content-type": "application/json" });
    const said = form.get("password") ?? request.headers.authorization ?? "";
    response.end(JSON.stringify(
      user === undefined
        ? { errors: [{ code: "UNAUTHORIZED", message: `wrong password: ${said}` }] }
        : { token: value, access_token: value, expires_in: PROMISED_SECONDS },
    ));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const running: TokenServer = {
    origin,
    issued,
    lifetimeSeconds: PROMISED_SECONDS,
    auth: {
      token: {
        realm: `${origin}/token`,
        service: SERVICE,
        issuer: ISSUER,
        rootcertbundle: certificate,
      },
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return running;
}
