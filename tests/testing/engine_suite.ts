/**
 * What every engine does, asserted once: it runs against the fake engine in every runtime, and
 * against Docker's own.
 */
import { ARCHIVES } from "./engine_suite/archives.ts";
import type { EngineCase } from "./engine_suite/bench.ts";
import { BUILDS } from "./engine_suite/builds.ts";
import { IMPORTS } from "./engine_suite/imports.ts";
import { LISTS } from "./engine_suite/lists.ts";
import { NAMES } from "./engine_suite/names.ts";
import { PULLS } from "./engine_suite/pulls.ts";
import { REGISTRIES } from "./engine_suite/registries.ts";
import { REMOVING } from "./engine_suite/removing.ts";
import { VERSIONS } from "./engine_suite/versions.ts";

export { clearEngine, type EngineBench, type EngineCase } from "./engine_suite/bench.ts";

export const ENGINE_SUITE: readonly EngineCase[] = [
  ...VERSIONS,
  ...LISTS,
  ...NAMES,
  ...REMOVING,
  ...ARCHIVES,
  ...IMPORTS,
  ...PULLS,
  ...REGISTRIES,
  ...BUILDS,
];
