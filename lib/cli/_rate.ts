/** Over how long a rate is measured: long enough to be read, short enough to show a stall. */
const WINDOW_MS = 3000;

/** How far samples are apart. */
const SAMPLE_MS = 100;

interface Sample {
  readonly time: number;
  readonly bytes: number;
}

/** Measures how fast a number of bytes has grown lately. */
export class Rate {
  #samples: Sample[] = [];

  /** Takes the number of bytes so far. */
  add(bytes: number, time: number): void {
    const last = this.#samples.at(-1);
    // A transfer that starts again starts a new measurement.
    if (last !== undefined && bytes < last.bytes) this.#samples = [];
    else if (last !== undefined && time - last.time < SAMPLE_MS) return;
    this.#samples.push({ time, bytes });
    while ((this.#samples[1]?.time ?? time) < time - WINDOW_MS) this.#samples.shift();
  }

  /** The bytes per second; `undefined` before there are two samples. */
  perSecond(bytes: number, time: number): number | undefined {
    const [first] = this.#samples;
    if (first === undefined || time - first.time < SAMPLE_MS) return undefined;
    return Math.max(0, bytes - first.bytes) / ((time - first.time) / 1000);
  }
}
