import type { Deleter, Roots, Target } from "../model/content.ts";

/**
 * What a registry can be served from: any {@linkcode Target}. Without `roots` the registry lists
 * only the tags that were pushed while it runs; without `roots`, `delete` and `untag` deleting is
 * refused.
 */
export type RegistryTarget = Target & Partial<Roots & Deleter>;
