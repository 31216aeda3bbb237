import { test } from "node:test";
import { abortEngineAtMoments, ENGINE_WAYS, ENGINE_WORKS } from "./engine_aborts.ts";

const ABORTS = 100;
const what = `${ENGINE_WORKS.join(", ")} of an engine behind ${ENGINE_WAYS.join(" and ")}`;

test(`F25: ${what} aborted at ${ABORTS} moments each end at once and leave nothing`, () =>
  abortEngineAtMoments(ABORTS));
