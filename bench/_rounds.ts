// Compares contenders with a peer, and prints the ratios.
import { type Contender, median, takeTurns } from "./_turns.ts";

export type { Contender } from "./_turns.ts";

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
  const times = await takeTurns([peer, ...contenders], { rounds, warmUp: true });
  const peerTimes = times.get(peer.name)?.wall ?? [];
  console.log(`\n${title}\n  peer: ${peer.name}, ${median(peerTimes).toFixed(0)} ms here`);
  const result = new Map<string, number>();
  for (const { name } of contenders) {
    const own = times.get(name)?.wall ?? [];
    const ratios = own.map((time, i) => time / (peerTimes[i] ?? Number.NaN))
      .toSorted((a, b) => a - b);
    const at = (part: number) => (ratios[Math.floor(part * (ratios.length - 1))] ?? 0).toFixed(2);
    const ratio = median(ratios);
    result.set(name, ratio);
    console.log(`  ${name.padEnd(28)} ${ratio.toFixed(2)}  (${at(0.25)} to ${at(0.75)})`);
  }
  return result;
}
