import type { Bytes } from "../../lib/model/bytes.ts";

export function utf8(content: string): Bytes {
  return new TextEncoder().encode(content);
}

export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** A layer of a sample: the digest of its blob, and what its history says. */
export interface SampleLayer {
  readonly blobSum: string;
  readonly fields?: object;
}

const ZEROS = `sha256:${"0".repeat(64)}`;

/** A document of schema 1, layers base first. */
export function schema1Document(
  layers: readonly SampleLayer[] = [{ blobSum: ZEROS }, { blobSum: ZEROS }],
  name = "acme/app",
  tag = "1",
): Record<string, unknown> {
  const id = (index: number): string => String(index + 1).padStart(64, "0");
  const entries = layers.map(({ blobSum, fields }, index) => ({
    blobSum,
    v1Compatibility: JSON.stringify({
      id: id(index),
      ...(index === 0 ? {} : { parent: id(index - 1) }),
      created: `2016-01-0${index + 1}T00:00:00Z`,
      ...fields,
    }),
  })).reverse();
  return {
    schemaVersion: 1,
    name,
    tag,
    architecture: "amd64",
    fsLayers: entries.map(({ blobSum }) => ({ blobSum })),
    history: entries.map(({ v1Compatibility }) => ({ v1Compatibility })),
  };
}

/** The bytes that are signed, as Docker's engine wrote them. */
export function payloadOf(document: object): Bytes {
  return utf8(JSON.stringify(document, null, 3));
}
