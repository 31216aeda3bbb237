import type { CallOptions } from "../model/content.ts";
import type { RegistryV1 } from "../registry/v1/registry_v1.ts";
import type { RegistryBackend } from "./_backend.ts";
import { V1Repository } from "./_v1_repository.ts";

/** A registry of version 1. */
export class V1Registry implements RegistryBackend {
  readonly protocol = "v1" as const;
  readonly #registry: RegistryV1;

  constructor(registry: RegistryV1) {
    this.#registry = registry;
  }

  async authenticate(options: CallOptions): Promise<void> {
    await this.#registry.authenticate(options);
  }

  async *names(options: CallOptions): AsyncGenerator<string, void, undefined> {
    for await (const { name } of this.#registry.search("", options)) yield name;
  }

  repository(name: string): V1Repository {
    return new V1Repository(this.#registry.repository(name));
  }
}
