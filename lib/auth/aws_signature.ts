import { encodeHex } from "../model/hex.ts";
import { isHeaderToken } from "./authorization.ts";

/** The credentials of an AWS account, a role or a session. */
export interface AWSCredentials {
  /** The ID of the access key, such as `AKIA…` or `ASIA…`. */
  readonly accessKeyId: string;
  /** The secret of the access key. */
  readonly secretAccessKey: string;
  /** The token of a session; temporary credentials (`ASIA…`) need it. */
  readonly sessionToken?: string | undefined;
}

/** A request to be signed. */
export interface AWSRequest {
  /** The method. */
  readonly method: string;
  /** Where it goes; services but S3, whose paths need no more encoding. */
  readonly url: URL;
  /** Its headers but `host`; all of them are signed. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body, or "". */
  readonly body: string;
}

/** For what a signature is good. */
export interface AWSScope {
  /** The region, such as `eu-central-1`. */
  readonly region: string;
  /** The service, such as `ecr`. */
  readonly service: string;
}

const ALGORITHM = "AWS4-HMAC-SHA256";

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

async function hashOf(text: string): Promise<string> {
  return encodeHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytesOf(text))));
}

async function hmac(
  key: Uint8Array<ArrayBuffer>,
  text: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, bytesOf(text)));
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Writes a query the one way that both sides write it: encoded, and sorted by name and value. */
function canonicalQuery(url: URL): string {
  return [...url.searchParams]
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

/**
 * Signs a request for AWS (Signature Version 4) with its headers and body.
 *
 * @param request The request.
 * @param credentials Who sends it.
 * @param scope Where the signature is good.
 * @param date When it is sent; AWS takes five minutes more or less.
 * @returns The headers to send: those of the request, the date, the session token and
 * `authorization`. The secret is not in them.
 * @throws {TypeError} when the ID of the access key or the session token cannot stand in a header.
 *
 * @see {@link https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html}
 */
export async function signAWSRequest(
  request: AWSRequest,
  credentials: AWSCredentials,
  scope: AWSScope,
  date: Date,
): Promise<Record<string, string>> {
  const { method, url, body } = request;
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  if (!isHeaderToken(accessKeyId) || sessionToken !== undefined && !isHeaderToken(sessionToken)) {
    const reason = "the accessKeyId or the sessionToken is no printable ASCII without blanks";
    throw new TypeError(`Cannot sign a request for AWS: ${reason}`);
  }
  const time = date.toISOString().replace(/[-:]|\.\d{3}/g, "");
  const sent: Record<string, string> = {
    ...request.headers,
    "x-amz-date": time,
    ...sessionToken === undefined ? {} : { "x-amz-security-token": sessionToken },
  };
  const headers = Object.entries({ ...sent, host: url.host })
    .map(([name, value]) => [name.toLowerCase(), value.trim().replace(/ +/g, " ")] as const)
    .sort(([a], [b]) => compare(a, b));
  const names = headers.map(([name]) => name).join(";");
  const canonical = [
    method,
    url.pathname,
    canonicalQuery(url),
    ...headers.map(([name, value]) => `${name}:${value}`),
    "",
    names,
    await hashOf(body),
  ].join("\n");
  const parts = [time.slice(0, 8), scope.region, scope.service, "aws4_request"];
  const text = [ALGORITHM, time, parts.join("/"), await hashOf(canonical)].join("\n");
  let key = bytesOf(`AWS4${secretAccessKey}`);
  for (const part of parts) key = await hmac(key, part);
  const signature = encodeHex(await hmac(key, text));
  const credential = `${accessKeyId}/${parts.join("/")}`;
  return {
    ...sent,
    authorization:
      `${ALGORITHM} Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`,
  };
}
