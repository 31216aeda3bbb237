// Runs contenders in turns and compares them round by round: machines change their pace, ratios of
// neighbours hold.

/** One of those that are compared. */
export interface Contender {
  readonly name: string;
  /** Does the work once. */
  run(): Promise<void>;
  /** Makes ready for a run; not measured. */
  prepare?(): Promise<void> | void;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

async function measure(contender: Contender): Promise<number> {
  await contender.prepare?.();
  const started = performance.now();
  await contender.run();
  return performance.now() - started;
}

/**
 * Prints each contender's median time as a ratio to the peer's of the same round, with the middle
 * half of the ratios.
 *
 * @param title What is asked.
 * @param peer Whom everybody is compared with.
 * @param contenders The others.
 * @param rounds How many rounds are measured; one more comes before, to warm up.
 * @returns The median ratios by name.
 */
export async function compare(
  title: string,
  peer: Contender,
  contenders: readonly Contender[],
  rounds: number,
): Promise<Map<string, number>> {
  const all = [peer, ...contenders];
  const times = new Map(all.map(({ name }) => [name, [] as number[]]));
  for (let round = -1; round < rounds; round++) {
    // Everybody takes every place in the order.
    for (let i = 0; i < all.length; i++) {
      const contender = all[(i + round + 1) % all.length];
      if (contender === undefined) continue;
      const time = await measure(contender);
      if (round >= 0) times.get(contender.name)?.push(time);
    }
  }
  const peerTimes = times.get(peer.name) ?? [];
  console.log(`\n${title}\n  peer: ${peer.name}, ${median(peerTimes).toFixed(0)} ms here`);
  const result = new Map<string, number>();
  for (const { name } of contenders) {
    const own = times.get(name) ?? [];
    const ratios = own.map((time, i) => time / (peerTimes[i] ?? Number.NaN))
      .toSorted((a, b) => a - b);
    const at = (part: number) => (ratios[Math.floor(part * (ratios.length - 1))] ?? 0).toFixed(2);
    const ratio = median(ratios);
    result.set(name, ratio);
    console.log(`  ${name.padEnd(28)} ${ratio.toFixed(2)}  (${at(0.25)} to ${at(0.75)})`);
  }
  return result;
}
