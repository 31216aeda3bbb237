import type { CallOptions } from "../model/content.ts";
import { textField } from "./_fields.ts";
import type { EngineClient } from "./engine_client.ts";

/** What an engine says of its version. */
export interface EngineVersion {
  /** The version of the engine: `20.10.24`. */
  readonly version: string;
  /** The newest version of the API that it speaks. */
  readonly apiVersion: string;
  /** The oldest one. */
  readonly minAPIVersion: string;
  /** The operating system of its containers. */
  readonly os: string;
  /** The architecture of its machine, as Go names it. */
  readonly architecture: string;
  /** All that it said, with its own names. */
  readonly attrs: Readonly<Record<string, unknown>>;
}

/** Asks the engine for its version. */
export async function engineVersion(
  client: EngineClient,
  { signal }: CallOptions = {},
): Promise<EngineVersion> {
  const attrs = await client.object({
    action: "find the version of the engine",
    method: "GET",
    path: "/version",
    signal,
  });
  return {
    version: textField(attrs, "Version"),
    apiVersion: textField(attrs, "ApiVersion"),
    minAPIVersion: textField(attrs, "MinAPIVersion"),
    os: textField(attrs, "Os"),
    architecture: textField(attrs, "Arch"),
    attrs,
  };
}
