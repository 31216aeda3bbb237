import type { CallOptions } from "../model/content.ts";
import { EngineError } from "../model/errors.ts";
import type { EngineClient } from "./engine_client.ts";

/** How podman's service names itself. */
const PODMAN_REGEXP = /^Libpod\//;

/**
 * Refuses what podman would take for something else: without a tag it pulls and pushes the latest
 * one alone.
 *
 * @throws {EngineError} when the engine is podman.
 */
export async function refusePodman(
  client: EngineClient,
  action: string,
  { signal }: CallOptions,
): Promise<void> {
  const { server } = await client.ping({ signal });
  if (!PODMAN_REGEXP.test(server)) return;
  throw new EngineError(`Cannot ${action}: podman takes one tag at a time; name each`, {
    status: 0,
    endpoint: "",
  });
}
