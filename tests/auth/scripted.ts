/** A registry and its token server as plain functions, which write down what they were sent. */
import {
  type Authenticator,
  type AuthenticatorOptions,
  createAuthenticator,
} from "../../lib/auth/mod.ts";
import type { Transport } from "../../lib/model/transport.ts";

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | null;
  readonly body: string;
}

export interface Scripted extends Transport {
  readonly seen: Seen[];
  /** The requests to one origin, in order. */
  at(origin: string): Seen[];
}

export type Script = (request: Request, seen: Seen) => Response | Promise<Response>;

/** Hosts -> what they answer. A request to another host fails, as a lookup of its name would. */
export function scripted(hosts: Readonly<Record<string, Script>>): Scripted {
  const seen: Seen[] = [];
  const send = async (request: Request): Promise<Response> => {
    const { method, url } = request;
    const authorization = request.headers.get("authorization");
    const entry: Seen = { method, url, authorization, body: await request.text() };
    seen.push(entry);
    const script = hosts[new URL(url).host];
    if (script === undefined) throw new TypeError(`no such host: ${new URL(url).host}`);
    return await script(request, entry);
  };
  const at = (origin: string) => seen.filter(({ url }) => new URL(url).origin === origin);
  return Object.assign(send, { seen, at });
}

/** What authenticates requests to `https://r.example`. */
export function authenticator(
  transport: Scripted,
  options: Partial<AuthenticatorOptions> = {},
): Authenticator {
  return createAuthenticator({
    transport,
    origin: "https://r.example",
    registry: "r.example",
    ...options,
  });
}

/** A 401 with a challenge. */
export function unauthorized(challenge?: string, body = ""): Response {
  const headers: HeadersInit = challenge === undefined ? {} : { "www-authenticate": challenge };
  return new Response(body, { status: 401, headers });
}

/** A Bearer challenge of the token server that most tests use. */
export function bearer(scope?: string, more = ""): string {
  const wanted = scope === undefined ? "" : `,scope="${scope}"`;
  return `Bearer realm="https://auth.example/token",service="r.example"${wanted}${more}`;
}

/** The scopes that a token request asks for. */
export function askedScopes(seen: Seen | undefined): string[] {
  return seen === undefined ? [] : new URL(seen.url).searchParams.getAll("scope");
}

/**
 * A token server that gives a token for anything: its text is a number and the scopes, so that a
 * registry can see what it allows.
 */
export function tokenServer(more: Readonly<Record<string, unknown>> = {}): Script {
  let count = 0;
  return (_, seen) => {
    const text = `${++count}:${askedScopes(seen).join("+")}`.replaceAll(" ", "+");
    return Response.json({ token: text, ...more });
  };
}

/** A registry that wants a token in which all of `needs(request)` is allowed. */
export function bearerRegistry(
  needs: (request: Request) => string,
  challenge: (request: Request) => string = (request) => bearer(needs(request)),
): Script {
  return (request, { authorization }) => {
    const allowed = authorization?.replace(/^Bearer \d+:/, "").split("+") ?? [];
    const isAllowed = authorization?.startsWith("Bearer ") === true &&
      needs(request).split(" ").every((scope) => allowed.includes(scope));
    return isAllowed ? new Response("ok") : unauthorized(challenge(request));
  };
}

export function get(path: string, method = "GET"): () => Request {
  return () => new Request(`https://r.example${path}`, { method });
}
