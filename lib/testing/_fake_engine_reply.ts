import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { JSONObject } from "../model/json_object.ts";

/** What an engine says on its way: progress, output, results. */
export type Messages = AsyncGenerator<JSONObject, void, undefined>;

/** Writes a message as Go does: what could be taken for HTML is escaped; not so in documents. */
function goJSON(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Answers with a document. */
export function document(value: unknown, status = 200): Response {
  const headers = { "content-type": "application/json" };
  return new Response(`${JSON.stringify(value)}\n`, { status, headers });
}

/**
 * Answers with messages as they come. What fails before the first one is refused by its status, and
 * what fails later is a message of a good answer.
 *
 * @param messages What is said.
 * @param onCancel Is told when nobody listens any more.
 */
export async function streamed(messages: Messages, onCancel: () => void): Promise<Response> {
  const encoder = new TextEncoder();
  let first: IteratorResult<JSONObject, void> | undefined = await messages.next();
  const body: ByteStream = new ReadableStream<Bytes>({
    async pull(controller) {
      const { done, value } = first ?? await messages.next().catch(failed);
      first = undefined;
      if (done !== true) controller.enqueue(encoder.encode(`${goJSON(value)}\r\n`));
      else controller.close();
    },
    async cancel() {
      onCancel();
      await messages.return().catch(() => {});
    },
  }, { highWaterMark: 0 });
  return new Response(body, { headers: { "content-type": "application/json" } });
}

/** The message by which a failure is told when the status is gone; a generator that threw has ended. */
function failed(error: unknown): IteratorYieldResult<JSONObject> {
  return { value: failure(error instanceof Error ? error.message : String(error)) };
}

/** A message that something failed. */
export function failure(message: string, code?: number): JSONObject {
  return { errorDetail: { ...(code === undefined ? {} : { code }), message }, error: message };
}

/** A message about a layer, with the bar that engines before Docker 29 draw. */
export function layerMessage(
  id: string,
  status: string,
  progress?: { readonly current: number; readonly total: number },
): JSONObject {
  if (progress === undefined) return { status, progressDetail: {}, id };
  const { current, total } = progress;
  const filled = Math.min(50, Math.floor(total === 0 ? 50 : current / total * 50));
  const bar = `[${"=".repeat(filled)}>${" ".repeat(50 - filled)}] `;
  const numbers = `${humanSize(current).padStart(8)}/${humanSize(total)}`;
  return { status, progressDetail: { current, total }, progress: bar + numbers, id };
}

/** A size as Docker writes it: four digits and a decimal unit. */
function humanSize(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  return `${Number((bytes / 1000 ** step).toPrecision(4))}${units[step]}`;
}

/** The first digits of an ID or a digest. */
export function shortID(id: string): string {
  return id.slice(id.indexOf(":") + 1).slice(0, 12);
}
