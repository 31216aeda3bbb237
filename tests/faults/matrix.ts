/**
 * The faults that lading promises to stand, and the tests that show it. The check beside this file
 * finds each of these tests; a fault without one fails.
 *
 * Tests in this folder go through a proxy that breaks what is on real sockets. Those in
 * tests/registry and tests/auth have a scripted registry and a clock, on every runtime, workerd and
 * browsers included; what they show of numbers and times is not shown again here.
 */

/** Where a test is, and how its name begins in the source. */
export type Place = readonly [file: string, name: string];

/** One fault. */
export interface Row {
  readonly id: string;
  readonly fault: string;
  readonly tests: readonly Place[];
}

const BODIES = "tests/faults/bodies.test.ts";
const ANSWERS = "tests/faults/answers.test.ts";
const TOKENS = "tests/faults/tokens.test.ts";
const UPLOADS = "tests/faults/uploads.test.ts";
const STREAMS = "tests/faults/streams.test.ts";
const ENGINE = "tests/faults/engine.test.ts";
const REGISTRY = "tests/registry/faults.test.ts";
const RETRY = "tests/registry/retry.test.ts";
const REDIRECTS = "tests/registry/redirects.test.ts";
const MANIFESTS = "tests/registry/manifests.test.ts";

export const MATRIX: readonly Row[] = [
  {
    id: "F1",
    fault: "reset amid a body",
    tests: [
      [BODIES, "F1: a reset"],
      [BODIES, "F1: ten resets in a row"],
      [BODIES, "F1: a blob whose connection always breaks"],
      [ANSWERS, "F1: a manifest and a list whose bodies break off"],
      [REGISTRY, "F1, F2 and F3: a body that breaks"],
    ],
  },
  {
    id: "F2",
    fault: "end short of Content-Length",
    tests: [[BODIES, "F2: an end short of Content-Length"]],
  },
  {
    id: "F3",
    fault: "short body without a length",
    tests: [
      [BODIES, "F3: a clean end without any length"],
      [BODIES, "F3: chunks without a last one"],
    ],
  },
  {
    id: "F4",
    fault: "body longer than its length, or than the descriptor",
    tests: [
      [BODIES, "F4: a length that is wrong, or bytes too many"],
      [REGISTRY, "F4: bytes behind the end are an error"],
    ],
  },
  {
    id: "F5",
    fault: "flipped byte, at 200 offsets",
    tests: [
      [REGISTRY, "F5: one flipped bit is refused"],
      [REGISTRY, "F5: the last chunk of a damaged blob"],
      [BODIES, "F5: bytes that come twice are refused"],
      ["tests/runtimes/pull_flips.test.ts", "pull() refuses ${FLIPS} of ${FLIPS} flipped bytes"],
    ],
  },
  {
    id: "F6",
    fault: "wrong or missing Docker-Content-Digest",
    tests: [
      [MANIFESTS, "F6: a wrong Docker-Content-Digest"],
      [MANIFESTS, "F6: a Docker-Content-Digest of another algorithm, or none"],
    ],
  },
  {
    id: "F7",
    fault: "burst of 5xx",
    tests: [
      [ANSWERS, "F7: 500, 500, 502, 503, 504 and then an answer"],
      [ANSWERS, "F7: what fails six times in a row"],
      [RETRY, "F7: a burst"],
    ],
  },
  {
    id: "F8",
    fault: "429 with Retry-After",
    tests: [
      [ANSWERS, "F8: Retry-After is kept on the wire"],
      [RETRY, "F8: Retry-After in seconds"],
      [RETRY, "F8 and lesson 65"],
    ],
  },
  {
    id: "F9",
    fault: "token that expires amid a pull and amid uploads",
    tests: [
      [TOKENS, "F9: a token that expires amid a pull of 30 blobs"],
      [TOKENS, "F9: a token that expires amid 30 uploads"],
      [TOKENS, "F9: a token that expires amid an upload in chunks"],
    ],
  },
  {
    id: "F10",
    fault: "insufficient_scope on push and mount",
    tests: [
      [TOKENS, "F10: a registry that finds the scope insufficient"],
      [TOKENS, "F10: a mount asks for both repositories"],
    ],
  },
  {
    id: "F11",
    fault: "token server that is down, slow, failing, or says something else",
    tests: [
      [TOKENS, "F11: a token server that fails"],
      [TOKENS, "F11: of a token reply of 10 MiB"],
      [TOKENS, "F11: a token server that does not answer"],
    ],
  },
  {
    id: "F12",
    fault: "silence before the header",
    tests: [
      [ANSWERS, "F12: no header within 30 seconds"],
      [ANSWERS, "F12: an abort ends the wait"],
      [REGISTRY, "F12: no header within 30 seconds"],
    ],
  },
  {
    id: "F13",
    fault: "silence amid a body",
    tests: [
      [BODIES, "F13: silence behind ten bytes"],
      [BODIES, "F13: a registry that gives 1 kB in a second"],
      [REGISTRY, "F13: silence in a body"],
    ],
  },
  {
    id: "F14",
    fault: "one byte in 59 seconds",
    tests: [
      [BODIES, "F14: one byte in 59 seconds"],
      [REGISTRY, "F13 and F14: slow but steady"],
    ],
  },
  {
    id: "F15",
    fault: "redirects without end, to other schemes, with user names, to nowhere",
    tests: [
      [ANSWERS, "F15: a redirect loop and an eleventh redirect"],
      [ANSWERS, "F15: redirects to file:, data:, user names and nowhere"],
      [REDIRECTS, "F15: ten redirects are followed"],
      [REDIRECTS, "F15: a redirect to ${location"],
    ],
  },
  {
    id: "F16",
    fault: "Range ignored, wrong Content-Range, 416",
    tests: [
      [BODIES, "F16: ranges that are ignored, wrong or refused"],
      [REGISTRY, "F16: a wrong Content-Range"],
    ],
  },
  {
    id: "F17",
    fault: "chunk that is taken in part",
    tests: [
      [UPLOADS, "F17: a chunk that is taken in part (${status})"],
      [UPLOADS, "F17: a chunk whose connection breaks"],
      [UPLOADS, "F17: an upload ${way} whose connection breaks"],
    ],
  },
  {
    id: "F18",
    fault: "upload session that is forgotten",
    tests: [
      [UPLOADS, "F18: a session that the registry forgets ${way}"],
      [UPLOADS, "F18: a registry that forgets every session ${way}"],
      [UPLOADS, "F18: a stream that can be read once"],
    ],
  },
  {
    id: "F19",
    fault: "PUT that is done, and its answer lost",
    tests: [
      [UPLOADS, "F19: a PUT ${way} whose answer is lost"],
      [UPLOADS, "F19: a manifest whose answer is lost"],
    ],
  },
  {
    id: "F25",
    fault: "abort at any moment",
    tests: [
      ["tests/faults/aborts.test.ts", "F25: ${WORKS.join"],
      ["tests/faults/aborts.long.test.ts", "F25: ${WORKS.join"],
      ["tests/interop/pull_aborted.test.ts", "F25: a pull aborted at ${ABORTS} moments"],
    ],
  },
  {
    id: "F26",
    fault: "consumer that stops early, cancels or throws",
    tests: [
      [STREAMS, "F26: ${name} closes the connection"],
      [STREAMS, "F26: leaving the entries of a layer"],
      [STREAMS, "F26: leaving a list"],
      [STREAMS, "F26: a target that fails"],
    ],
  },
  {
    id: "F27",
    fault: "slow consumer",
    tests: [
      [STREAMS, "F27: of 64 MiB for a consumer that stops reading"],
      [STREAMS, "F27: a slow target gets what it asks for"],
    ],
  },
  {
    id: "F28",
    fault: "very many layers",
    tests: [
      [STREAMS, "F28: of ${LAYERS} layers of 1 MiB"],
      ["tests/interop/pull_aborted.test.ts", "F28: of 60 layers"],
      ["tests/interop/memory_layers.long.test.ts", "F28: a pull of 200 layers"],
    ],
  },
  {
    id: "F29",
    fault: "stream of the Engine API that ends or breaks in odd ways",
    tests: [
      [ENGINE, "F29: messages come whole"],
      [ENGINE, "F29: an error amid the stream"],
      [ENGINE, "F29: a stream that breaks off"],
      [ENGINE, "F29: a clean end within a message"],
      [ENGINE, "F29: an answer without a result"],
      [ENGINE, "F29: a message of 20 MiB"],
      [ENGINE, "F29: a page of HTML"],
    ],
  },
  {
    id: "F30",
    fault: "engine that closes during an upload",
    tests: [
      [ENGINE, "F30: an engine that refuses an archive"],
      [ENGINE, "F30: an engine that goes away"],
    ],
  },
  {
    id: "F31",
    fault: "HTML, or no HTTP, in place of a registry",
    tests: [
      [ANSWERS, "F31: a page of HTML with status 200"],
      [ANSWERS, "F31: what is no HTTP at all"],
      [ANSWERS, "F31: a blob that is missing"],
      [MANIFESTS, "F31: a login page is no manifest"],
    ],
  },
  {
    id: "F32",
    fault: "no such host, nobody there, wrong certificate",
    tests: [
      [ANSWERS, "F32: a port where nobody listens"],
      [RETRY, "F32: a certificate that is wrong"],
      ["tests/runtimes/registry_tls.test.ts", "C5 by ${transport}: a certificate that nobody"],
    ],
  },
  {
    id: "F33",
    fault: "lifetimes of tokens that make no sense",
    tests: [[TOKENS, "F33: odd lifetimes of tokens"]],
  },
  {
    id: "F34",
    fault: "connection that is closed between two requests",
    tests: [[ANSWERS, "F34: a connection that is closed between two requests"]],
  },
];
