// The shape of what benches measure.
import { median, type Times } from "./_turns.ts";

/** What is known of a layer before it is read. */
export interface LayerFacts {
  /** Digest of the stored bytes. */
  readonly digest: string;
  /** Digest of the uncompressed bytes. */
  readonly diffID: string;
  /** Stored bytes. */
  readonly size: number;
  /** Uncompressed bytes. */
  readonly plainSize: number;
}

/** What a portable bench is told. */
export interface BenchOptions {
  readonly rounds: number;
  /** Whether a round comes before, on the first layer. */
  readonly warmUp: boolean;
  readonly layers: Readonly<Record<string, LayerFacts>>;
  /** The number of the entrant that has the process for itself; all run where it is not given. */
  readonly alone?: number;
}

/** The times of an entrant, and the bytes that it made or read, where they count. */
export interface Measured extends Times {
  readonly bytes?: number | undefined;
}

/** What a portable bench sends. */
export interface Measurement {
  readonly question: string;
  readonly layer: string;
  readonly entrant: string;
  readonly times: Measured;
  /** How many entrants there are. */
  readonly of: number;
}

/** Entrant -> its times. */
export type Entrants = Record<string, Measured>;

/** Question -> layer -> entrants. */
export type Answers = Record<string, Record<string, Entrants>>;

/** What stands in bench/results.json. */
export interface Results {
  /** Processor and cores. */
  machine: string;
  /** Bytes of the kernel as text in a gzipped bundle. */
  kernelBytes: number;
  layers: Record<string, LayerFacts>;
  /** Runtime -> its version and what was measured in it; one of them is `programs`. */
  runtimes: Record<string, { version: string; answers: Answers }>;
}

/** The name under which programs of the system stand beside the runtimes. */
export const PROGRAMS = "programs";

/** How many times as fast as a peer somebody is: the median of the rounds that both took part in. */
export function speedRatio(own: Times, peer: Times): number {
  const rounds = Math.min(own.wall.length, peer.wall.length);
  return median(
    peer.wall.slice(0, rounds).map((ms, round) => ms / (own.wall[round] ?? Number.NaN)),
  );
}

/** The fastest of those that are there. */
export function fastest(entrants: Entrants, names: readonly string[]): Measured | undefined {
  return names.map((name) => entrants[name]).filter((times) => times !== undefined)
    .sort((one, other) => median(one.wall) - median(other.wall))[0];
}
