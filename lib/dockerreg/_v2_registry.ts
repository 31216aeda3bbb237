import type { CallOptions } from "../model/content.ts";
import type { Registry } from "../registry/registry.ts";
import type { RegistryBackend } from "./_backend.ts";
import { V2Repository } from "./_v2_repository.ts";

/** A registry of version 2. */
export class V2Registry implements RegistryBackend {
  readonly protocol = "v2" as const;
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  async authenticate(options: CallOptions): Promise<void> {
    await this.#registry.authenticate(options);
  }

  async *names(options: CallOptions): AsyncGenerator<string, void, undefined> {
    yield* this.#registry.catalog(options);
  }

  repository(name: string): V2Repository {
    return new V2Repository(this.#registry.repository(name));
  }
}
