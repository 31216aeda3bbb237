import { type Chunks, chunksOf } from "../bytes/chunks.ts";
import { streamFrom } from "../bytes/stream_from.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { SizeMismatchError } from "../model/errors.ts";
import { HeaderBlock } from "./_header_block.ts";
import { BLOCK_SIZE } from "./header.ts";

/** An entry that is ready to be written. */
export interface PlannedEntry {
  /** The name, for errors. */
  readonly path: string;
  /** The header. */
  readonly header: Bytes;
  /** The pax records that go before it. */
  readonly records: readonly Bytes[];
  /** The bytes of the content, as the header says. */
  readonly size: number;
  /** The content. */
  readonly body: Bytes | ByteStream | undefined;
}

function padding(size: number): Bytes {
  return new Uint8Array((BLOCK_SIZE - size % BLOCK_SIZE) % BLOCK_SIZE);
}

function paxHeader(records: readonly Bytes[]): Bytes[] {
  const size = records.reduce((sum, { length }) => sum + length, 0);
  const block = new HeaderBlock();
  block.put(0, 100, "PaxHeaders/entry");
  block.octal(100, 8, 0o644);
  block.octal(108, 8, 0);
  block.octal(116, 8, 0);
  block.octal(124, 12, size);
  block.octal(136, 12, 0);
  block.mark("x");
  return [block.seal(), ...records, padding(size)];
}

/** The content that is being read, so that it can be cancelled while it is waited for. */
interface Reading {
  chunks?: Chunks | undefined;
}

async function* piecesOf(body: ByteStream, reading: Reading): AsyncGenerator<Bytes> {
  const chunks = reading.chunks = chunksOf(body);
  let isEnded = false;
  try {
    for (;;) {
      const chunk = await chunks.next();
      isEnded = chunk === undefined;
      if (chunk === undefined) return;
      yield chunk;
    }
  } finally {
    reading.chunks = undefined;
    if (!isEnded) await chunks.cancel().catch(() => {});
  }
}

async function* bodyOf(
  { path, size, body }: PlannedEntry,
  reading: Reading,
): AsyncGenerator<Bytes> {
  if (body === undefined) return;
  let count = 0;
  const wrong = (): SizeMismatchError =>
    new SizeMismatchError(
      `Cannot write the tar entry ${JSON.stringify(path)}: it has ${count} bytes, not ${size}`,
      { expected: size, actual: count },
    );
  for await (const chunk of body instanceof Uint8Array ? [body] : piecesOf(body, reading)) {
    count += chunk.length;
    if (count > size) throw wrong();
    yield chunk;
  }
  if (count !== size) throw wrong();
}

/** What is at hand and no longer than this goes in one chunk: a file is many chunks otherwise. */
const WHOLE_BYTES = 64 * 1024;

/** Gives an entry whole, with its padding, when its content is at hand and short. */
function wholeEntry({ header, records, size, body }: PlannedEntry): Bytes | undefined {
  if (size > WHOLE_BYTES || body !== undefined && !(body instanceof Uint8Array)) return undefined;
  const before = records.length > 0 ? paxHeader(records) : [];
  const end = (BLOCK_SIZE - size % BLOCK_SIZE) % BLOCK_SIZE;
  const length = before.reduce((sum, part) => sum + part.length, header.length + size + end);
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of [...before, header]) {
    whole.set(part, at);
    at += part.length;
  }
  if (body !== undefined) whole.set(body, at);
  return whole;
}

async function* blocks<Input>(
  inputs: AsyncIterable<Input>,
  plan: (input: Input) => PlannedEntry,
  reading: Reading,
): AsyncGenerator<Bytes> {
  for await (const input of inputs) {
    const entry = plan(input);
    const whole = wholeEntry(entry);
    if (whole !== undefined) {
      yield whole;
      continue;
    }
    if (entry.records.length > 0) yield* paxHeader(entry.records);
    yield entry.header;
    yield* bodyOf(entry, reading);
    yield padding(entry.size);
  }
  yield new Uint8Array(2 * BLOCK_SIZE);
}

/**
 * Writes an archive. Each entry is planned when its turn has come, and its content is counted. A
 * cancel ends a content at once, also one that is waited for, and asks the inputs to end.
 */
export function writeEntries<Input>(
  inputs: AsyncIterable<Input> | Iterable<Input>,
  plan: (input: Input) => PlannedEntry,
): ByteStream {
  const reading: Reading = {};
  let items: AsyncIterator<Input, unknown> | undefined;
  const opened = { [Symbol.asyncIterator]: () => items = iteratorOf(inputs) };
  const archive = blocks(opened, plan, reading);
  return streamFrom({
    [Symbol.asyncIterator]: () => ({
      next: () => archive.next(),
      async return() {
        const [ended] = await Promise.all([
          archive.return(undefined),
          reading.chunks?.cancel().catch(() => {}),
          items?.return?.(),
        ]);
        return ended;
      },
    }),
  });
}

function iteratorOf<Input>(
  inputs: AsyncIterable<Input> | Iterable<Input>,
): AsyncIterator<Input, unknown> {
  if (Symbol.asyncIterator in inputs) return inputs[Symbol.asyncIterator]();
  const items = inputs[Symbol.iterator]();
  return {
    next: () => Promise.resolve(items.next()),
    return: () => Promise.resolve(items.return?.() ?? { done: true, value: undefined }),
  };
}
