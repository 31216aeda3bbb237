// Writes what BuildKit says, for tests that have no BuildKit.
import type { Bytes } from "../../lib/model/bytes.ts";
import { concatBytes } from "../../lib/bytes/concat.ts";
import { encodeBase64 } from "../../lib/model/base64.ts";

/** A field: its number, and a number, a text, bytes or a message. */
export type Field = readonly [number, number | string | Bytes | readonly Field[]];

function varint(value: number): Bytes {
  const bytes: number[] = [];
  let left = value;
  do {
    const low = left % 128;
    left = Math.floor(left / 128);
    bytes.push(left > 0 ? low + 128 : low);
  } while (left > 0);
  return Uint8Array.from(bytes);
}

export function encodeFields(fields: readonly Field[]): Bytes {
  return concatBytes(fields.flatMap(([number, value]) => {
    if (typeof value === "number") return [varint(number * 8), varint(value)];
    const bytes = typeof value === "string"
      ? new TextEncoder().encode(value)
      : value instanceof Uint8Array
      ? value
      : encodeFields(value);
    return [varint(number * 8 + 2), varint(bytes.length), bytes];
  }));
}

/** A message as engines send it. */
export function trace(...fields: readonly Field[]): Record<string, unknown> {
  return { id: "moby.buildkit.trace", aux: encodeBase64(encodeFields(fields)) };
}
