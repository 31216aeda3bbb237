// What lading claims to be faster than: each claim with its floor, below which it is broken, and the
// aim that is worked for.
import {
  type Entrants,
  fastest,
  type Measured,
  PROGRAMS,
  type Results,
  speedRatio,
} from "./_results.ts";
import { median } from "./_turns.ts";

/** Runtime -> figure. */
type Figures = Readonly<Record<string, number>>;

/** How one entrant compares with others. */
export interface Claim {
  readonly title: string;
  /** Gives the figure of a layer in a runtime; `undefined` where it was not measured. */
  figure(results: Results, runtime: string, layer: string): number | undefined;
  /** Whether less is better, as of times; ratios are the other way round. */
  readonly isLimit?: boolean;
  readonly floor: Figures;
  readonly aim: Figures;
}

/** The runtimes, in the order of tables. */
export const RUNTIMES = ["Node 20", "Node 24", "Deno", "Bun", "workerd", "Chromium"] as const;

const V8 = ["Node 20", "Node 24", "Deno", "workerd", "Chromium"];

function every(figure: number, runtimes: readonly string[] = RUNTIMES): Figures {
  return Object.fromEntries(runtimes.map((runtime) => [runtime, figure]));
}

function entrantsOf(
  results: Results,
  runtime: string,
  question: string,
  layer: string,
): Entrants {
  return results.runtimes[runtime]?.answers[question]?.[layer] ?? {};
}

/** Compares in one run: the peer is the fastest of those named that the runtime has. */
function beside(
  question: string,
  own: string,
  peers: readonly string[],
  isFair: (own: Measured, peer: Measured) => boolean = () => true,
): Claim["figure"] {
  return (results, runtime, layer) => {
    const entrants = entrantsOf(results, runtime, question, layer);
    const peer = fastest(entrants, peers);
    const mine = entrants[own];
    if (mine === undefined || peer === undefined || !isFair(mine, peer)) return undefined;
    return speedRatio(mine, peer);
  };
}

/** Compares with a program of the system, by `time` of its runs. */
function besideProgram(
  question: string,
  own: string,
  program: string,
  time: (measured: Measured) => readonly number[],
): Claim["figure"] {
  return (results, runtime, layer) => {
    const mine = entrantsOf(results, runtime, question, layer)[own];
    const peer = entrantsOf(results, PROGRAMS, question, layer)[program];
    if (mine === undefined || peer === undefined) return undefined;
    return median(time(peer)) / median(mine.wall);
  };
}

const ZLIB_STREAMS = ["64 KiB", "256 KiB", "1 MiB"].map((size) => `node:zlib stream, ${size}`);
const LEND = "entries(), lend() of each file";
const LEND_WASM = `${LEND}, all WebAssembly`;
const FOUR_WASM = "four layers at once, lend() of each file, all WebAssembly";
const NATIVE = "node:zlib + node:crypto + tar-stream";
const PACKAGES = "fflate + @noble/hashes + modern-tar";
const WEB = "DecompressionStream + DigestStream";
/** Those who look into the archive. */
const OTHERS = [
  NATIVE,
  PACKAGES,
  "DecompressionStream + DigestStream + modern-tar",
  "DecompressionStream + node:crypto + modern-tar",
  "DecompressionStream + hash-wasm + modern-tar",
];
const SERVERS = ["Node 20", "Node 24", "Deno", "Bun"];

/** Counts work that is done several times in one run. */
function times(count: number, figure: Claim["figure"]): Claim["figure"] {
  return (results, runtime, layer) => {
    const ratio = figure(results, runtime, layer);
    return ratio === undefined ? undefined : count * ratio;
  };
}

/** Leaves out a claim where the runtime has others to be compared with. */
function only(runtimes: readonly string[], figure: Claim["figure"]): Claim["figure"] {
  return (results, runtime, layer) =>
    runtimes.includes(runtime) ? figure(results, runtime, layer) : undefined;
}

/** Sizes within 2 % are the same size. */
function sameSize(own: Measured, peer: Measured): boolean {
  return (own.bytes ?? 0) <= (peer.bytes ?? 0) * 1.02;
}

const KERNEL = "the kernel alone";
const KERNEL_KEEPING = `${KERNEL}, its output kept`;

/** Tells what streams, promises and objects cost; the kernel alone makes none. */
function publicAPI(name: string, peer: string = KERNEL): Claim {
  return {
    title: `${name} : ${peer}`,
    figure: beside("api", name, [peer]),
    floor: every(0.85),
    aim: every(0.95),
  };
}

/** All claims. */
export const CLAIMS: readonly Claim[] = [
  {
    title: "inflate : the best node:zlib stream",
    figure: only(SERVERS, beside("inflate", "kernel", ZLIB_STREAMS)),
    floor: { "Node 20": 1.45, "Node 24": 1.45, "Deno": 1.15, "Bun": 1.15 },
    aim: {},
  },
  {
    title: "inflate : DecompressionStream",
    figure: beside("inflate", "kernel", ["DecompressionStream"]),
    floor: { workerd: 1.5 },
    aim: {},
  },
  {
    title: "inflate : libdeflate in C",
    figure: besideProgram("inflate", "kernel", "libdeflate-gunzip", ({ cpu }) => cpu ?? []),
    floor: {},
    aim: every(0.9),
  },
  {
    title: `one pass : ${NATIVE}`,
    figure: only(SERVERS, beside("pass", LEND, [NATIVE])),
    floor: { "Node 20": 1.3, "Node 24": 1.3, "Deno": 1.15, "Bun": 1.2 },
    aim: { "Node 20": 1.6, "Node 24": 1.6, "Deno": 1.5, "Bun": 1.5 },
  },
  {
    title: `one pass : ${WEB}`,
    figure: beside("pass", LEND, [WEB]),
    floor: { workerd: 1.6 },
    aim: { workerd: 2 },
  },
  {
    title: "one pass : gzip -dc | sha256sum",
    figure: besideProgram("pass", LEND, "gzip -dc | sha256sum", ({ wall }) => wall),
    floor: {},
    aim: {},
  },
  {
    title: `one pass, all WebAssembly : ${PACKAGES}`,
    figure: beside("pass", LEND_WASM, [PACKAGES]),
    floor: { ...every(2.5, V8), Bun: 3.5 },
    aim: {},
  },
  {
    title: `four layers at once, all WebAssembly : ${PACKAGES}, one by one`,
    figure: times(4, beside("pass", FOUR_WASM, [PACKAGES])),
    floor: {},
    aim: every(4, V8),
  },
  {
    title: "SHA-256 in WebAssembly : hash-wasm",
    figure: beside("sha256", "kernel", ["hash-wasm"]),
    // In workerd hash-wasm does not run.
    floor: { "Node 20": 1.2, "Node 24": 1.4, "Deno": 1.4, "Bun": 1.4, "Chromium": 1.4 },
    aim: {},
  },
  {
    title: "SHA-256 in WebAssembly, four messages at once : hash-wasm",
    figure: beside("sha256", "kernel, four messages at once", ["hash-wasm"]),
    floor: {},
    // In workerd hash-wasm does not run.
    aim: every(2, V8.filter((runtime) => runtime !== "workerd")),
  },
  {
    title: "deflate : zlib 6, within 2 % of its size",
    figure: only(
      [...SERVERS, "workerd"],
      beside("deflate", "kernel", ["node:zlib"], sameSize),
    ),
    floor: { "Node 20": 1.3, "Node 24": 1.3, "Deno": 0.95, "Bun": 0.95 },
    aim: every(1.5, SERVERS),
  },
  publicAPI("entries()"),
  publicAPI(LEND),
  publicAPI("validate()"),
  publicAPI("extract(), content dropped"),
  publicAPI("extract() to memory", KERNEL_KEEPING),
  publicAPI("extract() to memory"),
  // Most of it are the streams of the host, one for each file.
  { ...publicAPI("entries(), body of each file"), floor: {}, aim: {} },
  {
    title: "first layer of a process, 64 KiB, in ms",
    figure: (results, runtime, layer) => {
      const times = entrantsOf(results, runtime, "first", layer)["entries()"];
      return times === undefined ? undefined : median(times.wall);
    },
    isLimit: true,
    floor: every(5),
    aim: every(2),
  },
  {
    title: "first layer of a process : the fastest of the others",
    figure: beside("first", "entries()", OTHERS),
    floor: {},
    aim: {},
  },
];

/** The most bytes of the kernel as text in a gzipped bundle, and what is worked for. */
export const KERNEL_BYTES = { floor: 16_000, aim: 12_000 } as const;

/** Says how figures stand to a floor and an aim. */
export function verdict(
  holds: (bound: number) => boolean,
  floor: number | undefined,
  aim: number | undefined,
): string {
  if (floor !== undefined && !holds(floor)) return "NOT MET";
  if (aim !== undefined && holds(aim)) return "met, the aim too";
  if (floor !== undefined) return "met";
  return aim === undefined ? "" : "below the aim";
}
