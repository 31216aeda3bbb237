import { readAll, streamOf } from "../../../lib/bytes/mod.ts";
import { gzip } from "../../../lib/compress/mod.ts";
import { digestBytes } from "../../../lib/hash/mod.ts";
import type { Bytes } from "../../../lib/model/bytes.ts";
import { randomImage } from "../../../lib/testing/mod.ts";
import type { V1Server } from "./v1_server.ts";

/** The ID of a sample image: one digit, again and again. */
export const ID = (digit: number): string => String(digit).repeat(64);

/** What a sample image is made of. */
export interface V1Sample {
  /** The newest image. */
  readonly id: string;
  /** The layers as they are stored, base first. */
  readonly layers: readonly Bytes[];
  /** The digests of what is in them. */
  readonly diffIDs: readonly string[];
}

/** Compresses a layer. */
export async function compressed(tar: Bytes): Promise<Bytes> {
  return await readAll(gzip(streamOf(tar)), { maxBytes: 1e8 });
}

/** Puts an image of three layers on a server: compressed, plain, and one without a file. */
export async function putSample(
  server: V1Server,
  repository: string,
  tag: string,
): Promise<V1Sample> {
  const { layers: made } = await randomImage("v1", { layers: 2, compression: "none" });
  const [first, second] = made.map(({ bytes }) => bytes);
  if (first === undefined || second === undefined) throw new Error("there are no layers");
  const empty = new Uint8Array(1024);
  const layers = [await compressed(first), second, await compressed(empty)];
  for (const [index, layer] of layers.entries()) {
    const isTop = index === layers.length - 1;
    server.put({
      id: ID(index + 1),
      ...(index === 0 ? {} : { parent: ID(index) }),
      created: `2014-01-0${index + 1}T00:00:00Z`,
      author: index === 0 ? "somebody" : "",
      container_config: { Cmd: ["/bin/sh", "-c", `step ${index}`] },
      docker_version: "1.0.0",
      ...(isTop ? { config: { Env: ["A=b"], Cmd: ["/bin/app"], ExposedPorts: null } } : {}),
      architecture: "amd64",
      os: "linux",
      Size: layer.byteLength,
      "x-unknown": { kept: true },
    }, layer);
  }
  server.tag(repository, tag, ID(layers.length));
  const diffIDs = [first, second, empty].map((tar) => digestBytes("sha256", tar));
  return { id: ID(layers.length), layers, diffIDs };
}
