/** What an engine refuses, with the status and the words that it does it by. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, words: string) {
    super(words);
    this.status = status;
  }
}

/** Refuses an image that is not there. */
export function noSuchImage(name: string): Refusal {
  return new Refusal(404, `No such image: ${name}`);
}
