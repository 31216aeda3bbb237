// A registry that takes uploads as the specification has it, and whatever a test wants instead.
import { digestBytes } from "../../lib/hash/mod.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import { errorResponse, type Script } from "./scripted.ts";

/** One request of an upload. */
export interface Turn {
  readonly method: string;
  readonly request: Request;
  readonly url: URL;
  readonly headers: Headers;
  /** How many requests of this method there were, this one included. */
  readonly count: number;
  readonly session: Session | undefined;
}

/** An upload that is under way. */
export interface Session {
  readonly id: string;
  /** Rises with every request: a location is good once. */
  turn: number;
  content: Bytes;
}

/** What a test changes. */
export interface Quirks {
  /** Answers in place of the registry, before it has read the body. */
  before?(turn: Turn): Response | undefined | Promise<Response | undefined>;
  /** How many bytes of a body are kept before the connection breaks. */
  cut?(turn: Turn, body: Bytes): number | undefined;
  /** How many bytes of a body are kept, though the answer is a good one. */
  keep?(turn: Turn, body: Bytes): number | undefined;
  /** Changes an answer, or loses it by an error. */
  after?(turn: Turn, response: Response): Response | Promise<Response>;
  /** The headers of the answer to POST. */
  readonly opened?: Readonly<Record<string, string>>;
  /** Whether GET too wants the newest location, as distribution 2.8 does. */
  readonly isStrict?: boolean;
}

/** The registry, and what it has seen. */
export interface UploadRegistry {
  readonly script: Script;
  readonly stored: Map<string, Bytes>;
  readonly sessions: Map<string, Session>;
  /** The requests: `PATCH 0-9` with the range that was kept, `PUT`, `GET`. */
  readonly log: string[];
  /** The bytes of each body. */
  readonly bodies: number[];
}

/** The bytes up to which a session has content, as registries say it. */
export function rangeOf(session: Session): string {
  return `0-${Math.max(0, session.content.byteLength - 1)}`;
}

function headersOf(session: Session): Record<string, string> {
  return {
    location: `/v2/acme/app/blobs/uploads/${session.id}?_state=${session.turn}`,
    range: rangeOf(session),
  };
}

async function bodyOf(request: Request): Promise<Bytes> {
  return new Uint8Array(await request.arrayBuffer());
}

function concat(a: Bytes, b: Bytes): Bytes {
  const both = new Uint8Array(a.byteLength + b.byteLength);
  both.set(a);
  both.set(b, a.byteLength);
  return both;
}

export function uploadRegistry(quirks: Quirks = {}): UploadRegistry {
  const stored = new Map<string, Bytes>();
  const sessions = new Map<string, Session>();
  const log: string[] = [];
  const bodies: number[] = [];
  const counts = new Map<string, number>();

  function open(): Response {
    const session = { id: `s${sessions.size + 1}`, turn: 0, content: new Uint8Array() };
    sessions.set(session.id, session);
    return new Response(null, {
      status: 202,
      headers: { ...headersOf(session), ...quirks.opened },
    });
  }

  async function receive(turn: Turn, session: Session): Promise<Response | undefined> {
    const range = /^(\d+)-(\d+)$/.exec(turn.headers.get("content-range") ?? "");
    const start = session.content.byteLength;
    if (range !== null && Number(range[1]) !== start) {
      return errorResponse(416, "BLOB_UPLOAD_INVALID", headersOf(session));
    }
    const body = await bodyOf(turn.request);
    bodies.push(body.byteLength);
    const cut = quirks.cut?.(turn, body);
    const kept = body.subarray(0, cut ?? quirks.keep?.(turn, body) ?? body.byteLength);
    session.content = concat(session.content, kept);
    session.turn++;
    if (kept.byteLength > 0) log[log.length - 1] += ` ${start}-${session.content.byteLength - 1}`;
    if (cut !== undefined) throw new TypeError("connection reset");
    return undefined;
  }

  async function ofSession(turn: Turn, session: Session): Promise<Response> {
    const { method, url } = turn;
    const isNewest = Number(url.searchParams.get("_state")) === session.turn;
    if (!isNewest && (method !== "GET" || quirks.isStrict) && method !== "DELETE") {
      return errorResponse(404, "BLOB_UPLOAD_INVALID");
    }
    if (method === "GET") return new Response(null, { status: 204, headers: headersOf(session) });
    if (method === "DELETE") {
      sessions.delete(session.id);
      return new Response(null, { status: 204 });
    }
    const refused = await receive(turn, session);
    if (refused !== undefined) return refused;
    if (method === "PATCH") return new Response(null, { status: 202, headers: headersOf(session) });
    const digest = url.searchParams.get("digest") ?? "";
    const actual = digestBytes(digest.startsWith("sha512") ? "sha512" : "sha256", session.content);
    sessions.delete(session.id);
    if (actual !== digest) return errorResponse(400, "DIGEST_INVALID");
    stored.set(digest, session.content);
    return new Response(null, { status: 201, headers: { "docker-content-digest": digest } });
  }

  async function answerTo(turn: Turn): Promise<Response> {
    const { method, url, session } = turn;
    if (method === "POST") return open();
    if (url.pathname.includes("/uploads/")) {
      return session === undefined
        ? errorResponse(404, "BLOB_UPLOAD_UNKNOWN")
        : await ofSession(turn, session);
    }
    const isThere = stored.has(url.pathname.split("/").at(-1) ?? "");
    return isThere ? new Response(null) : errorResponse(404, "BLOB_UNKNOWN");
  }

  const script: Script = async (request) => {
    const { method, headers } = request;
    const url = new URL(request.url);
    const count = (counts.get(method) ?? 0) + 1;
    counts.set(method, count);
    log.push(method);
    const session = sessions.get(url.pathname.split("/").at(-1) ?? "");
    const turn = { method, request, url, headers, count, session };
    const special = await quirks.before?.(turn);
    if (special !== undefined) return special;
    const response = await answerTo(turn);
    return await quirks.after?.(turn, response) ?? response;
  };
  return { script, stored, sessions, log, bodies };
}

/** A stream of pieces of bytes. */
export function piecesOf(
  content: Bytes,
  { size = 65_536, onCancel = () => {}, onPull = () => {} }: {
    size?: number;
    onCancel?: () => void;
    onPull?: (at: number) => void;
  } = {},
): ByteStream {
  let at = 0;
  return new ReadableStream<Bytes>({
    pull(controller) {
      onPull(at);
      if (at >= content.byteLength) return controller.close();
      controller.enqueue(content.slice(at, at += size));
    },
    cancel: onCancel,
  }, { highWaterMark: 0 });
}
