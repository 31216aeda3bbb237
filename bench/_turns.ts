// Runs contenders in turns: machines change their pace, ratios of neighbours hold.

/** One of those that are compared. */
export interface Contender {
  readonly name: string;
  /** Does the work once. */
  run(): Promise<void> | void;
  /** Makes ready for a run; not measured. */
  prepare?(): Promise<void> | void;
}

/** How long a contender took, round by round, in milliseconds. */
export interface Times {
  readonly wall: readonly number[];
  /** Processor time of all threads, where the runtime tells it. */
  readonly cpu?: readonly number[];
}

/** How many rounds. */
export interface Turns {
  /** Rounds that are measured. */
  readonly rounds: number;
  /** Whether one more comes before. */
  readonly warmUp: boolean;
  /** Rounds that follow for those that are close to the first. Default: none. */
  readonly more?: number | undefined;
}

/**
 * How many times as long as the first the close ones take at most. Neighbours on the processor make
 * a run a fifth longer, and that decides where one is 1.1 times as fast, not where it is 5 times.
 */
const CLOSE = 3;

interface HostProcess {
  cpuUsage?: () => { user: number; system: number };
}

function cpuMs(): number {
  const { process } = globalThis as { process?: HostProcess };
  try {
    const usage = process?.cpuUsage?.();
    return usage === undefined ? 0 : (usage.user + usage.system) / 1000;
  } catch {
    // workerd has the function, and it throws.
    return 0;
  }
}

/**
 * Gives the order of a round. It starts at another one each time, and goes on in other strides, so
 * that nobody always comes behind the same one and pays for the garbage that it has left.
 */
function orderOf<Item>(items: readonly Item[], round: number): Item[] {
  const { length } = items;
  const strides = items.map((_, stride) => stride).filter((stride) => isPrimeTo(stride, length));
  const stride = strides[round % strides.length] ?? 1;
  const order = items.map((_, i) => items[(round + i * stride) % length]);
  return order.filter((item) => item !== undefined);
}

/** Tells whether steps of one length meet every place of a circle of the other. */
function isPrimeTo(stride: number, length: number): boolean {
  return stride === 0 ? length === 1 : isPrimeTo(length % stride, stride);
}

/**
 * Lets everybody run once per round; an error ends it all. The times of two at the same place are of
 * the same round.
 */
export async function takeTurns(
  contenders: readonly Contender[],
  { rounds, warmUp, more = 0 }: Turns,
): Promise<Map<string, Times>> {
  const times = new Map(
    contenders.map(({ name }) => [name, { wall: [] as number[], cpu: [] as number[] }]),
  );
  const middle = ({ name }: Contender) => median(times.get(name)?.wall ?? []);
  let taking = contenders;
  for (let round = warmUp ? -1 : 0; round < rounds + more; round++) {
    if (round === rounds) {
      const [first = 0] = contenders.map(middle);
      taking = contenders.filter((contender) => middle(contender) <= first * CLOSE);
    }
    for (const contender of orderOf(taking, round + 1)) {
      await contender.prepare?.();
      // The clock of the processor is outside: Deno takes milliseconds to find it the first time.
      const startedCPU = cpuMs();
      const started = performance.now();
      await contender.run();
      const ended = performance.now();
      const endedCPU = cpuMs();
      if (round < 0) continue;
      times.get(contender.name)?.wall.push(ended - started);
      times.get(contender.name)?.cpu.push(endedCPU - startedCPU);
    }
  }
  // Runtimes may have the function and tell nothing.
  const isTold = cpuMs() > 0;
  return new Map(
    [...times].map(([name, { wall, cpu }]) => [name, isTold ? { wall, cpu } : { wall }]),
  );
}

/** Gives the middle value. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
