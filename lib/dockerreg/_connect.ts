import type { CallOptions } from "../model/content.ts";
import { NotFoundError } from "../model/errors.ts";
import type { Registry } from "../registry/registry.ts";
import { RegistryV1 } from "../registry/v1/registry_v1.ts";
import type { RegistryBackend } from "./_backend.ts";
import type { DockerRegistryOptions } from "./docker_registry_options.ts";
import { V1Registry } from "./_v1_registry.ts";
import { V2Registry } from "./_v2_registry.ts";

/**
 * Finds out how to speak to a registry: version 2 is asked for first, and version 1 where the host
 * does not know that.
 *
 * @throws {NotFoundError} when it knows neither.
 */
export async function connect(
  registry: Registry,
  options: DockerRegistryOptions,
  { signal }: CallOptions,
): Promise<RegistryBackend> {
  const { protocol = "auto" } = options;
  const v2 = new V2Registry(registry);
  if (protocol === "v2") return v2;
  const old = new RegistryV1(registry.name, options);
  const v1 = new V1Registry(old);
  if (protocol === "v1") return v1;
  try {
    await registry.ping({ signal });
    return v2;
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    await old.ping({ signal }).catch((other) => {
      throw other instanceof NotFoundError ? error : other;
    });
    return v1;
  }
}
