import { InvalidConfigError } from "./errors.ts";
import { type Fail, parseJSON } from "./_json.ts";
import { isJSONObject, type JSONObject } from "./json_object.ts";
import { imageConfigSchema, problemOf } from "./_config_schema.ts";
import { CONFIG_SHAPE } from "./_config_shape.ts";
import { judgePlatform } from "./_manifest_schema.ts";
import type { Platform } from "./platform.ts";
import { PLATFORM_SHAPE, tidy } from "./_shape.ts";
import { ownBytes, shownInput } from "./_raw.ts";
import { type ImageConfig, MAX_CONFIG_BYTES, type ParsedImageConfig } from "./image_config.ts";

function configFail(raw: Uint8Array): Fail {
  return (reason, position) => {
    throw new InvalidConfigError(`Cannot parse image config: ${reason}`, {
      input: shownInput(raw),
      position,
    });
  };
}

function parseConfigJSON(raw: Uint8Array, fail: Fail): JSONObject {
  const value = parseJSON(raw, MAX_CONFIG_BYTES, fail);
  return isJSONObject(value) ? value : fail("not a JSON object");
}

/**
 * Parses an image config. Unknown fields are kept; the bytes travel with the value. The document
 * is not compared with a manifest: `validate` does that.
 *
 * @param raw At most {@linkcode MAX_CONFIG_BYTES}.
 * @returns The value and the bytes.
 * @throws {InvalidConfigError} when the bytes are no image config.
 */
export function parseImageConfig(raw: Uint8Array): ParsedImageConfig {
  const fail = configFail(raw);
  const value = parseConfigJSON(raw, fail);
  tidy(value, CONFIG_SHAPE, fail, false);
  const problem = problemOf(imageConfigSchema, value);
  if (problem !== undefined) fail(problem);
  return { raw: ownBytes(raw), value: value as unknown as ImageConfig };
}

/**
 * Reads what an image runs on out of its config, and judges nothing else in it: who only asks for
 * that, on an edge worker for instance, need not carry the schema of the rest.
 *
 * @param raw At most {@linkcode MAX_CONFIG_BYTES}.
 * @returns The platform.
 * @throws {InvalidConfigError} when the bytes are no JSON object with a platform.
 */
export function configPlatform(raw: Uint8Array): Platform {
  const fail = configFail(raw);
  const value = parseConfigJSON(raw, fail);
  tidy(value, PLATFORM_SHAPE, fail, false);
  const problem = judgePlatform(value, "");
  if (problem !== undefined) fail(problem);
  const known = Object.entries(value).filter(([field]) => Object.hasOwn(PLATFORM_SHAPE, field));
  return Object.fromEntries(known) as unknown as Platform;
}
