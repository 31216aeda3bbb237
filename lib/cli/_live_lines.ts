/** What a terminal has to offer. */
export interface Terminal {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

/** ECMA-48 §8.3.22 (CUU), §8.3.39 (ED), §8.3.41 (EL). */
const up = (lines: number): string => lines > 0 ? `\x1b[${lines}A` : "";
const CLEAR_BELOW = "\x1b[J";
const CLEAR_LINE = "\x1b[2K";

/**
 * Lines at the end of a terminal that are written anew as they change. Other lines go above them;
 * when they are hidden, nothing of them stays.
 */
export class LiveLines {
  readonly #terminal: Terminal;
  #lines: readonly string[] = [];
  #drawn = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Shows lines in the place of those before; none hides them. */
  show(lines: readonly string[]): void {
    this.#lines = lines;
    this.#draw("");
  }

  /** Writes a line that stays, above the others. */
  print(line: string): void {
    if (this.#drawn === 0) this.#terminal.write(`${line}\n`);
    else this.#draw(`${CLEAR_LINE}${line}\n`);
  }

  #draw(above: string): void {
    // A terminal that does not know its size says 0.
    const columns = this.#terminal.columns || 80;
    const rows = this.#terminal.rows || 24;
    // A line that wraps, or one that scrolls out, could not be taken back.
    const lines = this.#lines.slice(-Math.max(1, rows - 1))
      .map((line) => `${CLEAR_LINE}${line.slice(0, Math.max(1, columns - 1))}\n`);
    const text = above + lines.join("");
    if (text === "" && this.#drawn === 0) return;
    this.#terminal.write(`${up(this.#drawn)}\r${text}${CLEAR_BELOW}`);
    this.#drawn = lines.length;
  }
}
