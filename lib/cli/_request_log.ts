import { passLineage } from "../bytes/lineage.ts";
import { through } from "../bytes/through.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { MASK, reasonOf, redactError } from "../model/redact.ts";
import type { Transport } from "../model/transport.ts";
import { formatSize } from "./size.ts";

/**
 * Parameters of queries that are no secrets: of registries and token servers, and of engines. All
 * others are masked: storage signs URLs in as many ways as there are clouds, uploads carry their state,
 * builds their arguments.
 */
const SHOWN: ReadonlySet<string> = new Set([
  ...["artifactType", "digest", "from", "last", "mount", "n", "ns", "scope", "service"],
  ...["dockerfile", "fromImage", "names", "platform", "pull", "repo", "t", "tag", "target"],
]);

/** How many requests this process has sent. */
let count = 0;

/**
 * Writes down what is asked, and what is answered: method, URL, status, time and bytes. Headers and
 * bodies, where credentials and tokens are, are not looked at, and of URLs nothing is written that
 * could be a secret.
 *
 * @param transport Sends the requests.
 * @param write Takes the lines.
 * @returns The same transport, with a log.
 */
export function withRequestLog(transport: Transport, write: (line: string) => void): Transport {
  const send = async (request: Request): Promise<Response> => {
    const name = `#${++count}`;
    const started = Date.now();
    const after = (): string => `after ${Date.now() - started} ms`;
    const failed = (error: unknown): void => {
      const reason = request.signal.aborted ? "given up" : reasonOf(redactError(error));
      write(`${name} failed ${after()}: ${reason}`);
    };
    write(`${name} ${request.method} ${shownURL(request.url)}${sentBytes(request)}`);
    try {
      const response = await transport(request);
      write(`${name} ${response.status} ${after()}${destination(response, request.url)}`);
      return counted(response, {
        over: (bytes) => write(`${name} ${formatSize(bytes)} ${after()}`),
        failed,
      });
    } catch (error) {
      failed(error);
      throw error;
    }
  };
  return Object.assign(send, { traits: transport.traits ?? {} });
}

function shownURL(url: string | URL): string {
  const { protocol, host, pathname, searchParams } = new URL(url);
  const query = [...searchParams].map(([name, value]) => {
    if (SHOWN.has(name)) return `${name}=${value}`;
    // What has no value may be one.
    return value === "" ? MASK : `${name}=${MASK}`;
  });
  return `${protocol}//${host}${pathname}${query.length === 0 ? "" : `?${query.join("&")}`}`;
}

function sentBytes({ body, headers }: Request): string {
  if (body === null) return "";
  const length = headers.get("content-length");
  return length === null ? ", a body" : `, ${formatSize(Number(length))}`;
}

/** Where a redirect leads, or where an upload goes on. */
function destination({ status, headers }: Response, from: string): string {
  const location = headers.get("location");
  if (location === null || status >= 400 || !URL.canParse(location, from)) return "";
  return `, to ${shownURL(new URL(location, from))}`;
}

interface BodyLog {
  over(bytes: number): void;
  failed(error: unknown): void;
}

function counted(response: Response, { over, failed }: BodyLog): Response {
  const body = response.body as ByteStream | null;
  if (body === null) return response;
  let bytes = 0;
  const logged = through(body, {
    chunk(chunk: Bytes) {
      bytes += chunk.byteLength;
      return chunk;
    },
    end: () => over(bytes),
    error: failed,
  });
  const { status, statusText, headers } = response;
  return new Response(passLineage(body, logged), { status, statusText, headers });
}
