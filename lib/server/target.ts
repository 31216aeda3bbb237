import type { Deleter, Referrers, Roots, Target } from "../model/content.ts";
import type { SharedRegistry } from "../model/shared_registry.ts";

/**
 * What a registry can be served from: any {@linkcode Target}. Without `roots` the registry lists
 * only the tags that were pushed while it runs; without `roots`, `delete` and `untag` deleting is
 * refused. With `repositories` and `uploads`, which a bucket store has, nothing is kept in the
 * handler; `referrers` serves such a registry, and no other.
 */
export type RegistryTarget = Target & Partial<Roots & Deleter & Referrers & SharedRegistry>;
