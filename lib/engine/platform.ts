import type { CallOptions } from "../model/content.ts";
import type { Platform } from "../model/platform.ts";
import { textField } from "./_fields.ts";
import type { EngineClient } from "./engine_client.ts";
import { engineVersion } from "./version.ts";

/** How Linux names 32-bit ARM: `armv6l`, `armv7l`. */
const ARM_REGEXP = /^armv(\d)/;

/** Asks the engine what it runs on. */
export async function enginePlatform(
  client: EngineClient,
  { signal }: CallOptions = {},
): Promise<Platform> {
  const { os, architecture } = await engineVersion(client, { signal });
  if (architecture !== "arm") return { os, architecture };
  // The version names no variant, and an image for v7 does not run on v6.
  const info = await client.object({
    action: "find the platform of the engine",
    method: "GET",
    path: "/info",
    signal,
  });
  const [, variant] = ARM_REGEXP.exec(textField(info, "Architecture")) ?? [];
  return { os, architecture, ...(variant === undefined ? {} : { variant: `v${variant}` }) };
}
