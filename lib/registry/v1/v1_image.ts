import type { Bytes } from "../../model/bytes.ts";
import { InvalidConfigError } from "../../model/errors.ts";
import { type ContainerConfig, MAX_CONFIG_BYTES } from "../../model/image_config.ts";
import { isJSONObject, parseJSONObject } from "../../model/json_object.ts";

/**
 * What a registry of version 1 says of one image: one layer, with the config of a container that has
 * all layers up to it. The history of manifests of schema 1 has such documents too.
 */
export interface V1Image {
  /** The ID: 64 hexadecimal digits that mean nothing. */
  readonly id: string;
  /** The ID of the image below; absent for the base. */
  readonly parent?: string;
  /** When it was made (RFC 3339). */
  readonly created?: string;
  /** By whom. */
  readonly author?: string;
  /** Any words. */
  readonly comment?: string;
  /** The container it was committed from. */
  readonly container?: string;
  /** What ran in that container. */
  readonly container_config?: ContainerConfig;
  /** How a container of the image is run. */
  readonly config?: ContainerConfig;
  /** The version of Docker that made it. */
  readonly docker_version?: string;
  /** The processor architecture. */
  readonly architecture?: string;
  /** The operating system. */
  readonly os?: string;
  /** The bytes of the files of this layer, uncompressed. */
  readonly Size?: number;
  /** Whether this step changed no file; only in manifests of schema 1. */
  readonly throwaway?: boolean;
}

/** The document of an image of version 1 with the bytes it was read from. */
export interface ParsedV1Image {
  /** The bytes as they were received. */
  readonly raw: Bytes;
  /** What they say, unknown fields included. */
  readonly value: V1Image;
}

const ID_REGEXP = /^[a-f0-9]{64}$/;

/**
 * Tells whether a text is the ID of an image of version 1.
 *
 * @param text Any text.
 * @returns Whether it has 64 hexadecimal digits in lower case.
 */
export function isV1ID(text: string): boolean {
  return ID_REGEXP.test(text);
}

const isText = (value: unknown): boolean => typeof value === "string";

/** What fields have to be, where they are there. */
const FIELDS: Readonly<Record<string, (value: unknown) => boolean>> = {
  created: isText,
  author: isText,
  comment: isText,
  container: isText,
  container_config: isJSONObject,
  config: isJSONObject,
  docker_version: isText,
  architecture: isText,
  os: isText,
  Size: (value) => typeof value === "number",
  throwaway: (value) => typeof value === "boolean",
};

/**
 * Parses the document of an image of version 1. `null` and an empty parent read as absent.
 *
 * @param raw At most 8 MiB.
 * @param id The ID it has to have; default any.
 * @returns The value and the bytes.
 * @throws {InvalidConfigError} when the bytes are no such document.
 */
export function parseV1Image(raw: Bytes, id?: string): ParsedV1Image {
  const fail = (reason: string): never => {
    const input = new TextDecoder().decode(raw.subarray(0, 256));
    throw new InvalidConfigError(`Cannot parse an image of version 1: ${reason}`, { input });
  };
  const value = parseJSONObject(raw, MAX_CONFIG_BYTES, fail);
  for (const [name, isRight] of Object.entries(FIELDS)) {
    if (value[name] === null) delete value[name];
    if (value[name] !== undefined && !isRight(value[name])) fail(`${name}: of another type`);
  }
  if (value.parent === null || value.parent === "") delete value.parent;
  for (const name of ["id", "parent"]) {
    const text = value[name];
    if (name === "parent" && text === undefined) continue;
    if (typeof text !== "string" || !isV1ID(text)) fail(`${name}: not 64 hexadecimal digits`);
  }
  if (id !== undefined && value.id !== id) {
    fail(`it is of the image ${String(value.id)}, not ${id}`);
  }
  return { raw, value: value as unknown as V1Image };
}
