import { inspect } from "node:util";

/** Everything that an error says when it is printed, sent as JSON or looked into. */
export function errorText(error: unknown): string {
  const texts = [inspect(error, { depth: 8, showHidden: true }), String(error)];
  for (let at = error; at instanceof Error; at = at.cause) {
    texts.push(at.message, at.stack ?? "", JSON.stringify(at, Object.getOwnPropertyNames(at)));
  }
  return texts.join("\n");
}
