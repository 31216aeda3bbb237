/**
 * Container images on web streams: talks to registries, and opens, verifies and moves images and
 * their layers, on Deno, Bun, Node, Cloudflare workerd and in browsers.
 *
 * One string names any place: `alpine:3.20` or `docker://ghcr.io/acme/app:1` for a registry,
 * `oci:DIR[:REF]` for an OCI layout, `oci-archive:FILE` and `docker-archive:FILE` for archives.
 * Nothing is handed over as good before its size and digest are proved.
 *
 * @example Pull an image and list its files
 * ```ts no-run
 * import { openImage, pull } from "@lading/lading";
 *
 * const { descriptor, bytesFetched } = await pull("alpine:3.20", "oci:./alpine");
 * console.log(descriptor.digest, bytesFetched);
 *
 * const image = await openImage("oci:./alpine:3.20");
 * for (const layer of await image.layers()) {
 *   for await (const entry of layer.entries()) console.log(entry.type, entry.path, entry.size);
 * }
 * ```
 *
 * @module
 */

export * from "./lib/model/errors.ts";
export type { Source, Target } from "./lib/model/content.ts";
export type { Descriptor } from "./lib/model/descriptor.ts";
export type { Platform } from "./lib/model/platform.ts";
export type { CopyEvent } from "./lib/model/events.ts";
export { parsePlatform } from "./lib/model/parse_platform.ts";
export { parseReference, type Reference } from "./lib/model/reference.ts";
export type { Operation } from "./lib/bytes/operation.ts";
export { Registry } from "./lib/registry/registry.ts";
export type { RegistryOptions } from "./lib/registry/registry_options.ts";
export type { Repository } from "./lib/registry/repository.ts";
export { memoryStore } from "./lib/store/memory_store.ts";
export { ociLayout } from "./lib/store/oci_layout.ts";
export { registryHandler } from "./lib/server/handler.ts";
export {
  append,
  diff,
  emptyImage,
  exportRootfs,
  type FileChange,
  flatten,
  type Image,
  indexFrom,
  type IndexView,
  type Layer,
  mapIndex,
  mutate,
  rebase,
  squash,
} from "./lib/image/mod.ts";
export {
  layerFromPath as layerFrom,
  type LayerFromPathOptions,
} from "./lib/runtime/layer_from_path.ts";
export { type HostThreads, layerThreads, type LayerThreadsOptions } from "./lib/runtime/threads.ts";
export type { LayerThreads } from "./lib/compress/layer_threads.ts";
export type { CopyResult } from "./lib/ops/copy.ts";
export type { CopyPlan } from "./lib/ops/plan_copy.ts";
export type { PlannedContent } from "./lib/ops/planned_contents.ts";
export type { PlannedTag, SyncPlan } from "./lib/ops/plan_sync.ts";
export {
  validate,
  type ValidateOptions,
  type ValidationReport,
  type ValidationStats,
} from "./lib/ops/validate.ts";
export type { Problem, ProblemCode } from "./lib/ops/problem.ts";
export {
  type CopyPlaces,
  copyPlaces as copy,
  type CopyPlacesOptions,
  pullPlace as pull,
} from "./lib/runtime/copy_places.ts";
export { pushPlace as push, type PushPlaceOptions } from "./lib/runtime/push_place.ts";
export {
  type SyncPlaces,
  syncPlaces as sync,
  type SyncPlacesOptions,
} from "./lib/runtime/sync_places.ts";
export { type OpenedIndex, openIndex } from "./lib/runtime/open_view.ts";
export type { OpenedView } from "./lib/runtime/opened_view.ts";
export { openBlob, type OpenedBlob } from "./lib/runtime/open_blob.ts";
export type { HostRegistryOptions } from "./lib/runtime/host_registry_options.ts";
export {
  type OpenedImage,
  type OpenedPlace,
  type OpenedTarget,
  openImage,
  type OpenImageOptions,
  type OpenOptions,
  openSource,
  openTarget,
} from "./lib/runtime/open.ts";
