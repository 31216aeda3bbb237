import { readAll } from "../../bytes/read_all.ts";
import type { Bytes } from "../../model/bytes.ts";
import { type Answer, discard } from "../client.ts";
import { answerError, notARegistry } from "../errors.ts";
import type { Client } from "../request.ts";

/** The most bytes of an answer that is held: lists of all images of a repository, in JSON. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/** Reads an answer that has to be 200. */
export async function readAnswer(
  client: Client,
  action: string,
  answer: Answer,
  signal: AbortSignal | undefined,
): Promise<Bytes> {
  if (answer.status !== 200) throw await answerError(answer, action, client.clock);
  return await readAll(answer.body, { maxBytes: MAX_ANSWER_BYTES, what: action, signal });
}

/** Expects one of the statuses of success. */
export async function expectStatus(
  client: Client,
  action: string,
  answer: Answer,
  ...accepted: readonly number[]
): Promise<void> {
  if (!accepted.includes(answer.status)) throw await answerError(answer, action, client.clock);
  discard(answer);
}

/** Parses an answer that has to be JSON. */
export function parseAnswer(answer: Answer, action: string, raw: Bytes): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(raw));
  } catch {
    throw notARegistry(answer, action, "it is no JSON");
  }
}
