import { test } from "node:test";
import { abortEachAtMoments, WORKS } from "./aborts.ts";

const ABORTS = 200;

test(`F25: ${WORKS.join(", ")} aborted at ${ABORTS} moments each end at once and leave nothing`, () =>
  abortEachAtMoments(ABORTS));
