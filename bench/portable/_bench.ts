// What every portable bench needs: the layers, who takes part, and where the times go. The server
// beside the runtime has the layers and takes the times, as it has the corpus for the tests.
import { test } from "node:test";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import { type Contender, takeTurns } from "../_turns.ts";
import type { BenchOptions, LayerFacts, Measurement } from "../_results.ts";

/** What comes from a network or a disk at a time. */
export const CHUNK_BYTES = 65536;

/** How many rounds follow for those that are close to the first, for each round of all. */
const MORE = 2;

/** Rounds take their time, on a machine that is busy with other things most of all. */
const TIMEOUT_MS = 600_000;

const global = globalThis as { LADING_TEST_SERVER?: string; LADING_TEST_TIMEOUT_MS?: number };
const server = global.LADING_TEST_SERVER ?? "";

/** A layer in memory. */
export interface BenchLayer extends LayerFacts {
  readonly name: string;
  readonly bytes: Bytes;
}

/** A contender, and how many bytes its result has where that is to be compared too. */
export interface Entrant extends Contender {
  readonly bytes?: number | undefined;
}

/** Makes an entrant whose runs must all come to the same. */
export function entrant<Result extends number | string>(
  name: string,
  expected: Result,
  run: () => Promise<Result> | Result,
  bytes?: number,
): Entrant {
  return {
    name,
    bytes,
    async run() {
      const result = await run();
      if (result !== expected) throw new Error(`${name} gave ${result}, not ${expected}`);
    },
  };
}

/** The smaller one is first: what has run on it is warm for the other. */
const LAYERS = ["npm", "debian"];

/** Asks the questions of each layer, as tests of the machinery that runs them. */
export function ask(
  questions: Readonly<Record<string, (layer: BenchLayer) => Promise<readonly Entrant[]>>>,
): void {
  global.LADING_TEST_TIMEOUT_MS = TIMEOUT_MS;
  for (const layer of LAYERS) {
    for (const [question, entrants] of Object.entries(questions)) {
      test(`${question}, ${layer}`, () => answer(question, layer, entrants));
    }
  }
}

async function answer(
  question: string,
  name: string,
  entrants: (layer: BenchLayer) => Promise<readonly Entrant[]>,
): Promise<void> {
  const { rounds, warmUp, layers, alone } = await (await fetch(`${server}/options`))
    .json() as BenchOptions;
  const facts = layers[name];
  if (facts === undefined) return;
  const all = await entrants({ ...facts, name, bytes: await layerBytes(name) });
  const taking = all.filter((_, i) => alone === undefined || alone === i);
  const times = await takeTurns(taking, {
    rounds,
    warmUp: warmUp && name === LAYERS[0],
    more: alone === undefined ? MORE * rounds : 0,
  });
  for (const { name: entrant, bytes } of taking) {
    const measured = times.get(entrant);
    if (measured === undefined) continue;
    const { length: of } = all;
    await send({ question, layer: name, entrant, times: { ...measured, bytes }, of });
  }
}

async function layerBytes(name: string): Promise<Bytes> {
  return new Uint8Array(await (await fetch(`${server}/layers/${name}.tar.gz`)).arrayBuffer());
}

async function send(measurement: Measurement): Promise<void> {
  const body = JSON.stringify(measurement);
  await (await fetch(`${server}/measured`, { method: "POST", body })).text();
}

/** Cuts bytes as a network does. */
export function* chunks(
  bytes: Uint8Array,
  size: number = CHUNK_BYTES,
): Generator<Bytes, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size) as Bytes;
}

/** Gives bytes as a stream that somebody pulls. */
export function streamOf(bytes: Uint8Array, see?: (chunk: Bytes) => unknown): ByteStream {
  const source = chunks(bytes);
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = source.next();
      if (done === true) return controller.close();
      await see?.(value);
      controller.enqueue(value);
    },
  }, { highWaterMark: 0 });
}

/** Reads a stream to its end and gives its length. */
export async function lengthOf(stream: ReadableStream<Uint8Array>): Promise<number> {
  const reader = stream.getReader();
  let length = 0;
  for (let item = await reader.read(); !item.done; item = await reader.read()) {
    length += item.value.length;
  }
  return length;
}
