import type { Socket } from "node:net";
import type * as NetModule from "node:net";
import { encodeBase64 } from "../model/base64.ts";
import { LadingError } from "../model/errors.ts";
import { decodedUser } from "./proxy_user.ts";

/** The longest head of an answer. */
const MAX_HEAD_LENGTH = 64 * 1024;

const HEAD_END = "\r\n\r\n";

/**
 * Opens a connection to a server through an http proxy (RFC 9110 §9.3.6).
 *
 * @param net The module of the host.
 * @param proxy The proxy, with the user and the password that it wants.
 * @param url The server.
 * @param signal Gives up.
 * @returns The connection, over which nothing was sent to the server yet.
 * @throws {TypeError} as `fetch` does, when there is none.
 * @throws {LadingError} (`PROXY_REFUSED`) when the proxy does not want to.
 */
export async function openTunnel(
  net: typeof NetModule,
  proxy: URL,
  url: URL,
  signal: AbortSignal,
): Promise<Socket> {
  const host = proxy.hostname.replace(/^\[(.*)\]$/, "$1");
  const socket = net.connect({ host, port: Number(proxy.port || 80) });
  try {
    socket.write(connectHead(proxy, url), "latin1");
    const status = await statusOf(socket, signal);
    if (/^HTTP\/1\.[01] 2\d\d/.test(status)) return socket;
    const answer = status.replace(/^HTTP\/1\.[01] /, "").slice(0, 100);
    const reason = `the proxy ${proxy.host} answered ${JSON.stringify(answer)}`;
    if (!answer.startsWith("4")) throw new TypeError("fetch failed", { cause: new Error(reason) });
    throw new LadingError("PROXY_REFUSED", `Cannot reach ${url.host}: ${reason}`);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function connectHead(proxy: URL, url: URL): string {
  const server = `${url.hostname}:${url.port || 443}`;
  const lines = [`CONNECT ${server} HTTP/1.1`, `host: ${server}`];
  const { username, password } = decodedUser(proxy);
  if (username !== "") {
    const pair = `${username}:${password}`;
    lines.push(`proxy-authorization: Basic ${encodeBase64(new TextEncoder().encode(pair))}`);
  }
  return [...lines, "", ""].join("\r\n");
}

/**
 * Reads the head of the answer; gives its first line. Behind it comes why the proxy does not want to, or
 * nothing: a server of TLS waits for the client.
 */
async function statusOf(socket: Socket, signal: AbortSignal): Promise<string> {
  const decoder = new TextDecoder("latin1");
  let head = "";
  let restore = (): void => {};
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (cause: unknown): void => reject(new TypeError("fetch failed", { cause }));
      const onError = (error: Error): void =>
        fail(new Error("the proxy does not answer", { cause: error }));
      const onEnd = (): void => fail(new Error("the proxy closed the connection"));
      const onAbort = (): void => reject(signal.reason);
      const onData = (bytes: Uint8Array): void => {
        head += decoder.decode(bytes);
        if (head.includes(HEAD_END)) resolve();
        else if (head.length > MAX_HEAD_LENGTH) fail(new Error("the proxy does not speak http"));
      };
      restore = () => {
        socket.off("data", onData).off("error", onError).off("end", onEnd).off("close", onEnd);
        signal.removeEventListener("abort", onAbort);
        socket.pause();
      };
      socket.on("data", onData).on("error", onError).on("end", onEnd).on("close", onEnd);
      signal.addEventListener("abort", onAbort, { once: true });
    });
  } finally {
    restore();
  }
  return head.slice(0, head.indexOf("\r\n"));
}
