/** What a terminal shows: just enough of ECMA-48 for the display of the command. */

/** Draws what a program has written; fails for sequences that the display has no need of. */
export class Screen {
  readonly #columns: number;
  #lines: string[] = [""];
  #row = 0;
  #column = 0;
  /** Every state of the screen after a piece of output was drawn. */
  readonly states: string[] = [];

  constructor(columns: number) {
    this.#columns = columns;
  }

  /** Draws what a live display has written, with a state after each of its drawings. */
  writeFrames(output: string): void {
    // Each drawing starts where the one before has ended: at a cursor that goes up, or at a line.
    // deno-lint-ignore no-control-regex
    for (const frame of output.split(/(?=\x1b\[\d+A)/)) this.write(frame);
  }

  /** The lines that are seen, without empty ones at the end. */
  get text(): string {
    return this.#lines.map((line) => line.trimEnd()).join("\n").trimEnd();
  }

  /** Draws a piece of output. */
  write(output: string): void {
    // deno-lint-ignore no-control-regex
    for (const [part, count, letter] of output.matchAll(/\x1b\[(\d*)([A-Za-z])|[^]/g)) {
      if (letter === undefined) this.#put(part);
      else this.#control(letter, count ?? "");
    }
    this.states.push(this.text);
  }

  #put(character: string): void {
    if (character === "\r") this.#column = 0;
    else if (character === "\n") this.#newLine();
    else if (character < " ") throw new Error(`unexpected control ${JSON.stringify(character)}`);
    else {
      if (this.#column >= this.#columns) this.#newLine(0);
      const line = (this.#lines[this.#row] ?? "").padEnd(this.#column);
      this.#lines[this.#row] = line.slice(0, this.#column) + character +
        line.slice(this.#column + 1);
      this.#column++;
    }
  }

  #newLine(column = this.#column): void {
    this.#row++;
    this.#column = column;
    while (this.#lines.length <= this.#row) this.#lines.push("");
  }

  #control(letter: string, count: string): void {
    if (letter === "A") this.#row = Math.max(0, this.#row - Number(count || "1"));
    else if (letter === "K" && count === "2") this.#lines[this.#row] = "";
    else if (letter === "J" && count === "") {
      this.#lines[this.#row] = (this.#lines[this.#row] ?? "").slice(0, this.#column);
      this.#lines = this.#lines.slice(0, this.#row + 1);
    } else throw new Error(`unexpected sequence CSI ${count}${letter}`);
  }
}
