import type { Deleter, Roots, Target } from "../model/content.ts";
import type { Context } from "./_context.ts";
import { Refusal } from "./_refusal.ts";
import type { RegistryTarget } from "./target.ts";

/** A target that content can be deleted from without taking it from others who hold it. */
export type DeletableTarget = Target & Roots & Deleter;

/**
 * Gives the target to delete from.
 *
 * @throws {Refusal} with 405 when deleting is switched off or the target cannot do it.
 */
export function deletableTarget({ target, allowDelete }: Context): DeletableTarget {
  if (allowDelete && isDeletable(target)) return target;
  throw new Refusal(405, "UNSUPPORTED", "this registry does not delete", {
    headers: { "allow": "GET, HEAD" },
  });
}

function isDeletable(target: RegistryTarget): target is DeletableTarget {
  return target.roots !== undefined && target.delete !== undefined && target.untag !== undefined;
}
