import { test } from "node:test";
import assert from "node:assert/strict";
import { formatPlace, InvalidReferenceError, parsePlace, type Place } from "../../lib/model/mod.ts";

const PLACES: readonly [string, Place][] = [
  ["alpine", { transport: "docker", reference: "alpine" }],
  ["alpine:3.20", { transport: "docker", reference: "alpine:3.20" }],
  ["localhost:5000/x:1", { transport: "docker", reference: "localhost:5000/x:1" }],
  ["docker://alpine:3.20", { transport: "docker", reference: "alpine:3.20" }],
  ["oci:images", { transport: "oci", path: "images" }],
  ["oci:images@sha256:00", { transport: "oci", path: "images", reference: "sha256:00" }],
  ["oci:a@b:sha256:00", { transport: "oci", path: "a@b", reference: "sha256:00" }],
  ["oci:images:a:b", { transport: "oci", path: "images", reference: "a:b" }],
  ["oci:/srv/images:ghcr.io/x/y:1", {
    transport: "oci",
    path: "/srv/images",
    reference: "ghcr.io/x/y:1",
  }],
  ["oci:C:\\images:a", { transport: "oci", path: "C:\\images", reference: "a" }],
  ["oci-archive:a.tar:x", { transport: "oci-archive", path: "a.tar", reference: "x" }],
  ["docker-archive:a.tar:alpine:3", {
    transport: "docker-archive",
    path: "a.tar",
    reference: "alpine:3",
  }],
  ["dir:images:a", { transport: "dir", path: "images:a" }],
  ["dir:/srv/images", { transport: "dir", path: "/srv/images" }],
  ["docker-daemon:alpine:3", { transport: "docker-daemon", reference: "alpine:3" }],
];

test("parsePlace() reads every transport; the first colon ends a path", () => {
  for (const [text, place] of PLACES) {
    assert.deepEqual(parsePlace(text), place, text);
    assert.deepEqual(parsePlace(formatPlace(place)), place, text);
  }
});

test("parsePlace() refuses what it cannot reach instead of pulling an image of that name", () => {
  const texts = [
    "",
    "oci:",
    "oci::tag",
    "docker://",
    "docker-daemon:",
    "dir:",
    "containers-storage:alpine",
    "https://ghcr.io/x/y",
    "oci:a\0b",
  ];
  for (const text of texts) assert.throws(() => parsePlace(text), InvalidReferenceError, text);
});
