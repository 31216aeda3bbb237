/** A registry that wants bearer tokens, with its token server on the same host. */
import { mergeScopes, parseScope } from "../../lib/auth/mod.ts";

/** How tokens are given and taken. */
export interface TokenGuardOptions {
  /** Gives the time in milliseconds. */
  readonly now: () => number;
  /** How long a token is good for the registry, in milliseconds. */
  readonly lifetimeMs?: number;
  /** What the token server says about it; default nothing. */
  readonly said?: Readonly<Record<string, unknown>>;
  /** What a request needs besides its own scope. */
  readonly demands?: (request: Request) => readonly string[];
}

/** What happened. */
export interface TokenGuard {
  readonly handle: (request: Request) => Promise<Response>;
  /** The scopes of each token that was given, in order. */
  readonly given: string[][];
  /** The tokens that were refused because they were too old, each once. */
  readonly expired: Set<string>;
}

interface Grant {
  readonly scopes: readonly string[];
  readonly until: number;
}

function scopeOf({ method, url }: Request): string[] {
  const name = /^\/v2\/(.+?)\/(?:blobs|manifests|tags|referrers)\//.exec(new URL(url).pathname);
  if (name === null) return [];
  const isReading = method === "GET" || method === "HEAD";
  return [`repository:${name[1]}:${isReading ? "pull" : "pull,push"}`];
}

/** Puts a guard before a registry. */
export function tokenGuard(
  handler: (request: Request) => Promise<Response>,
  { now, lifetimeMs = Infinity, said = {}, demands = () => [] }: TokenGuardOptions,
): TokenGuard {
  const grants = new Map<string, Grant>();
  const given: string[][] = [];
  const expired = new Set<string>();

  const give = (url: URL): Response => {
    const scopes = url.searchParams.getAll("scope").flatMap((scope) => scope.split(" "));
    const token = `canary-token-${given.length}`;
    given.push(scopes);
    grants.set(token, { scopes, until: now() + lifetimeMs });
    return Response.json({ token, ...said });
  };

  const handle = async (request: Request): Promise<Response> => {
    const url = new URL(request.url);
    if (url.pathname === "/token") return give(url);
    const wanted = mergeScopes([...scopeOf(request), ...demands(request)]);
    const token = request.headers.get("authorization")?.replace(/^Bearer /, "") ?? "";
    const grant = grants.get(token);
    const isOld = grant !== undefined && now() >= grant.until;
    if (isOld) expired.add(token);
    if (grant !== undefined && !isOld && wanted.every((scope) => isCovered(scope, grant.scopes))) {
      return await handler(request);
    }
    await request.body?.cancel();
    const error = grant === undefined
      ? ""
      : `,error="${isOld ? "invalid_token" : "insufficient_scope"}"`;
    const challenge = `Bearer realm="${url.origin}/token",service="test",` +
      `scope="${wanted.join(" ")}"${error}`;
    return new Response(null, { status: 401, headers: { "www-authenticate": challenge } });
  };
  return { handle, given, expired };
}

function isCovered(scope: string, granted: readonly string[]): boolean {
  const wanted = parseScope(scope);
  return granted.map(parseScope).some((other) =>
    other?.type === wanted?.type && other?.name === wanted?.name &&
    wanted?.actions.every((action) => other?.actions.includes(action))
  );
}
