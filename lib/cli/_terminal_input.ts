import process from "node:process";
import { UsageError } from "./_command.ts";

/** A token takes some thousand characters; whoever sends more has sent the wrong file. */
const MAX_INPUT_LENGTH = 64 * 1024;

const ENTER_REGEXP = /\r\n?|\n/;

/** What arrow keys and pasting send besides: no part of an answer. */
// deno-lint-ignore no-control-regex
const SEQUENCE_REGEXP = /\x1b(?:\[[0-9;]*[ -/]*[@-~]|O.)/g;

/** How a question is asked. */
interface Question {
  readonly text: string;
  /** Shows nothing of the answer. */
  readonly isSecret: boolean;
}

/** Asks questions on the terminal, one line each. */
export class TerminalInput {
  readonly #signal: AbortSignal;
  /** What was typed ahead, or pasted with the answer before. */
  #rest = "";

  /**
   * @param signal Ends the waiting for an answer.
   * @param instead What there is where nobody can be asked.
   * @throws {UsageError} when there is no terminal to ask on.
   */
  constructor(signal: AbortSignal, instead: string) {
    this.#signal = signal;
    if (process.stdin.isTTY !== true) {
      throw new UsageError(`there is no terminal to ask for the password; ${instead}`);
    }
  }

  /** Asks, and shows what is typed. */
  line(text: string): Promise<string> {
    return this.#ask({ text, isSecret: false });
  }

  /** Asks, and shows nothing of what is typed. */
  secret(text: string): Promise<string> {
    return this.#ask({ text, isSecret: true });
  }

  async #ask(question: Question): Promise<string> {
    this.#signal.throwIfAborted();
    const { stdin, stderr } = process;
    // Before the question is shown, so that nothing of the answer is: the terminal echoes by itself.
    stdin.setRawMode(true);
    stderr.write(question.text);
    let restore = (): void => {};
    try {
      return await new Promise<string>((resolve, reject) => {
        let answer = "";
        const decoder = new TextDecoder();
        const take = (typed: string): void => {
          this.#rest += typed.replace(SEQUENCE_REGEXP, "");
          while (this.#rest !== "") {
            const key = String.fromCodePoint(this.#rest.codePointAt(0) ?? 0);
            this.#rest = this.#rest.slice(key === "\r" && this.#rest[1] === "\n" ? 2 : key.length);
            if (ENTER_REGEXP.test(key)) return resolve(answer);
            if (key === "\x03") return interrupt();
            if (key === "\x04" && answer === "") {
              return reject(new UsageError("no answer was given"));
            }
            answer = edited(answer, key, question, (text) => stderr.write(text));
            if (answer.length > MAX_INPUT_LENGTH) return reject(new UsageError("it is too long"));
          }
        };
        const onData = (chunk: Uint8Array): void => take(decoder.decode(chunk, { stream: true }));
        const onEnd = (): void => reject(new UsageError("the terminal was closed"));
        const onAbort = (): void => reject(this.#signal.reason);
        const interrupt = (): void => {
          // In raw mode the terminal sends no signal for Ctrl-C; the command ends as by one.
          stdin.setRawMode(false);
          process.kill(process.pid, "SIGINT");
        };
        restore = () => {
          stdin.off("data", onData).off("end", onEnd).off("error", reject);
          this.#signal.removeEventListener("abort", onAbort);
        };
        stdin.on("data", onData).on("end", onEnd).on("error", reject).resume();
        this.#signal.addEventListener("abort", onAbort, { once: true });
        take("");
      });
    } finally {
      restore();
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write("\n");
    }
  }
}

/** Gives the answer after a key. */
function edited(
  answer: string,
  key: string,
  { isSecret }: Question,
  show: (text: string) => void,
): string {
  const back = (count: number): void => {
    if (!isSecret) show("\b \b".repeat(count));
  };
  if (key === "\x7f" || key === "\b") {
    const kept = [...answer].slice(0, -1).join("");
    back(kept === answer ? 0 : 1);
    return kept;
  }
  if (key === "\x15") {
    back([...answer].length);
    return "";
  }
  if (/\p{Cc}/u.test(key)) return answer;
  if (!isSecret) show(key);
  return answer + key;
}

/**
 * Reads a secret from stdin to its end, without the line break that `echo` puts behind it.
 *
 * @throws {UsageError} when it is too long to be one.
 */
export async function readSecret(signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  const { stdin } = process;
  const decoder = new TextDecoder();
  let text = "";
  let restore = (): void => {};
  try {
    await new Promise<void>((resolve, reject) => {
      const onData = (chunk: Uint8Array): void => {
        text += decoder.decode(chunk, { stream: true });
        if (text.length > MAX_INPUT_LENGTH) {
          reject(new UsageError("what --password-stdin reads is too long for a password"));
        }
      };
      const onEnd = (): void => resolve();
      const onAbort = (): void => reject(signal.reason);
      restore = () => {
        stdin.off("data", onData).off("end", onEnd).off("error", reject);
        signal.removeEventListener("abort", onAbort);
      };
      stdin.on("data", onData).on("end", onEnd).on("error", reject).resume();
      signal.addEventListener("abort", onAbort, { once: true });
    });
  } finally {
    restore();
    // What nobody reads any more does not keep the process.
    stdin.destroy();
  }
  return text.replace(/\r?\n$/, "");
}
