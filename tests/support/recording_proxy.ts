// A socket that leads to another one, and keeps the requests that went through it.
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";

/** A request as it came. */
export interface RecordedRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
}

/** A proxy that runs. */
export interface RecordingProxy {
  /** Gives the requests since it was asked last. */
  take(): RecordedRequest[];
}

/**
 * Runs `work` beside a proxy.
 *
 * @param socket Where it listens.
 * @param target The socket that it leads to.
 * @param work What to do meanwhile.
 */
export async function withRecordingProxy<Result>(
  socket: string,
  target: string,
  work: (proxy: RecordingProxy) => Promise<Result>,
): Promise<Result> {
  let recorded: RecordedRequest[] = [];
  const server = createServer((incoming, outgoing) => {
    // Noted before the answer: who asked may be gone as soon as that is there.
    const note = (seen: RecordedRequest): void => void recorded.push(seen);
    forward(target, incoming, outgoing, note).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve, reject) =>
    server.once("error", reject).listen(socket, resolve)
  );
  try {
    return await work({
      take() {
        const taken = recorded;
        recorded = [];
        return taken;
      },
    });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Sends a request on, and its answer back; done when both are. */
async function forward(
  target: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  note: (seen: RecordedRequest) => void,
): Promise<void> {
  const { method = "GET", url = "/", headers } = incoming;
  const onward = request({ socketPath: target, method, path: url, headers, agent: false });
  const answered = new Promise<void>((resolve, reject) => {
    outgoing.once("close", resolve);
    onward.once("error", reject);
    onward.once("response", (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
  });
  const chunks: Uint8Array[] = [];
  incoming.on("data", (chunk: Uint8Array) => {
    chunks.push(chunk);
    onward.write(chunk);
  });
  incoming.once("end", () => {
    note({ method, url, headers, body: Buffer.concat(chunks) });
    onward.end();
  });
  await answered;
}
