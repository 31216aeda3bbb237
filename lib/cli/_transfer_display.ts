import type { BlobEvent } from "../model/events.ts";
import { bar } from "./_bar.ts";
import { Rate } from "./_rate.ts";
import { formatSize } from "./size.ts";

/** How many characters of a digest tell it from others. */
const SHORT_DIGEST = 12;

/** Writes the part of a digest that people compare. */
export function shortDigest(digest: string): string {
  const start = digest.indexOf(":") + 1;
  return digest.slice(start, start + SHORT_DIGEST);
}

interface Transfer {
  readonly event: BlobEvent;
  readonly rate: Rate;
}

/** What a copy under way looks like: a line for each blob that moves, and one for all of them. */
export class TransferDisplay {
  readonly #moving = new Map<string, Transfer>();
  readonly #rate = new Rate();
  #done = 0;
  /** The bytes of the blobs that have been moved. */
  #bytes = 0;

  /** Takes what has happened to a blob. */
  add(event: BlobEvent, time: number): void {
    const { digest } = event.descriptor;
    if (event.status === "moving") {
      const rate = this.#moving.get(digest)?.rate ?? new Rate();
      rate.add(event.current, time);
      this.#moving.set(digest, { event, rate });
      return;
    }
    this.#moving.delete(digest);
    this.#done++;
    if (event.status === "done") this.#bytes += event.total;
  }

  /** The lines to show. */
  lines(time: number): string[] {
    const transfers = [...this.#moving.values()];
    const bytes = transfers.reduce((sum, { event }) => sum + event.current, this.#bytes);
    this.#rate.add(bytes, time);
    if (transfers.length === 0 && this.#done === 0) return [];
    return [
      ...transfers.map((transfer) => transferLine(transfer, time)),
      `${this.#done} done, ${formatSize(bytes)} moved${perSecond(this.#rate, bytes, time)}`,
    ];
  }
}

function transferLine({ event, rate }: Transfer, time: number): string {
  const { current, total, descriptor } = event;
  return `${shortDigest(descriptor.digest)}  ${bar(current, total)}${
    perSecond(rate, current, time)
  }`;
}

function perSecond(rate: Rate, bytes: number, time: number): string {
  const value = rate.perSecond(bytes, time);
  return value === undefined ? "" : `, ${formatSize(value)}/s`;
}
