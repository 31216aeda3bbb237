import type { ImageConfig } from "../model/image_config.ts";
import type { Platform } from "../model/platform.ts";

/**
 * Reads the platform out of an image config.
 *
 * @param config The config.
 * @returns The platform, with the fields that the config has.
 */
export function platformOf(config: ImageConfig): Platform {
  const { os, architecture, variant, "os.version": version, "os.features": features } = config;
  return {
    os,
    architecture,
    ...(variant === undefined ? {} : { variant }),
    ...(version === undefined ? {} : { "os.version": version }),
    ...(features === undefined ? {} : { "os.features": features }),
  };
}
