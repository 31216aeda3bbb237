/**
 * What other clients of registries learned the hard way, each from a public thread, and the tests that
 * hold lading to it. Their names say `lesson` and the number.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";

/** How many lessons there are; all of them can be tested. */
const LESSONS = 82;

/** The number, what went wrong, and the files with tests of it. */
const TABLE: readonly (readonly [number, string, readonly string[]])[] = [
  [1, "a token that ends during an upload", ["auth/lessons", "registry/push"]],
  [2, "a body that was read when the refusal came", ["auth/lessons", "registry/push"]],
  [3, "a second request without its body", ["auth/lessons", "registry/push"]],
  [4, "an old bearer at the token server", ["auth/lessons"]],
  [5, "more rights than a read needs", ["auth/lessons", "runtimes/login"]],
  [6, "scopes that pile up", ["auth/lessons"]],
  [7, "one repository in two scopes", ["auth/lessons"]],
  [8, "what deleting is called", ["auth/lessons"]],
  [9, "a token to pull used to delete", ["auth/lessons"]],
  [10, "Basic demanded in place of a token", ["auth/lessons"]],
  [11, "a challenge behind a redirect", ["auth/lessons"]],
  [12, "a realm that steals credentials", ["auth/lessons", "runtimes/login"]],
  [13, "an empty entry of a login", ["auth/docker_config_edit", "auth/lessons"]],
  [14, "the many names of Docker Hub", [
    "auth/docker_config_edit",
    "auth/lessons",
    "runtimes/login",
  ]],
  [15, "a proxy with names of its own", ["auth/lessons"]],
  [16, "HEAD refused with a good token", ["auth/lessons"]],
  [17, "rights to metadata", ["auth/acr", "auth/lessons"]],
  [18, "several challenges in one header", ["auth/lessons"]],
  [19, "a wrong password turned into nobody", ["auth/lessons", "runtimes/login"]],
  [20, "a placeholder for a scope; POST refused", ["auth/lessons", "runtimes/login"]],
  [21, "credentials sent to the storage", ["registry/redirects"]],
  [22, "two redirects in a row", ["registry/redirects"]],
  [23, "HEAD at a URL signed for GET", ["registry/redirects"]],
  [24, "http behind a TLS proxy", ["registry/redirects"]],
  [25, "the default port in a Location", ["registry/redirects"]],
  [26, "a Location on another host", ["registry/redirects"]],
  [27, "pages without an end, or elsewhere", ["registry/lists"]],
  [28, "a PUT turned into a GET", ["registry/redirects"]],
  [29, "the urls of foreign layers", ["registry/redirects"]],
  [30, "a refused POST that says nothing", ["registry/redirects"]],
  [31, "chunks of 4 MiB and no more", ["registry/upload_lessons"]],
  [32, "a blob that is stored in part", ["registry/upload_lessons"]],
  [33, "a Range that stands still", ["registry/upload_lessons"]],
  [34, "a Range of one chunk", ["registry/upload_lessons"]],
  [35, "a Range that is too small", ["registry/upload_lessons"]],
  [36, "a chunk that cannot be repeated", ["registry/upload_lessons"]],
  [37, "a Content-Range with a total", ["registry/upload_lessons"]],
  [38, "registries without chunks", ["registry/upload_lessons"]],
  [39, "a chunk that failed half-way", ["registry/upload_lessons"]],
  [40, "sessions behind a load balancer", ["registry/push", "registry/upload_lessons"]],
  [41, "a mount that fails", ["registry/deleting"]],
  [42, "a mount from another registry", ["registry/upload_lessons"]],
  [43, "a repository that has to be created", ["registry/retry"]],
  [44, "cookies", ["registry/upload_lessons", "registry/v1/session"]],
  [45, "413 with a page in HTML", ["registry/push", "registry/upload_lessons"]],
  [46, "a length that the runtime drops", ["registry/upload_lessons"]],
  [47, "SHA-512 answered by SHA-256", ["registry/push"]],
  [48, "one layer pushed twice at a time", ["registry/push"]],
  [49, "no Docker-Content-Digest", ["registry/manifests"]],
  [50, "a digest on HEAD alone", ["registry/manifests"]],
  [51, "Accept, and what schema 1 makes of it", ["interop/dockerreg", "registry/manifests"]],
  [52, "Accept misread by old registries", ["registry/manifests"]],
  [53, "an index that nobody asked for", ["registry/manifests"]],
  [54, "a type that contradicts the body", ["registry/manifests"]],
  [55, "a Content-Length of encoded bytes", ["registry/manifests"]],
  [56, "wrong sizes of referrers", ["registry/referrers"]],
  [57, "encoded blobs", ["registry/faults", "registry/manifests", "runtimes/registry_bodies"]],
  [58, "bytes behind the end of an archive", ["image/layer_end"]],
  [59, "lists with null and digests in them", ["registry/lists"]],
  [60, "listing tags without latest", ["dockerreg/docker_registry", "registry/lists"]],
  [61, "a manifest that is not there yet", ["registry/manifests"]],
  [62, "HEAD without Accept", ["registry/manifests"]],
  [63, "a + in a tag", ["registry/manifests"]],
  [64, "a quota spent on listing", [
    "dockerreg/docker_registry",
    "registry/manifests",
    "registry/retry",
  ]],
  [65, "429 in words nobody understands", ["registry/retry"]],
  [66, "429 to the PUT of a manifest", ["registry/retry"]],
  [67, "writers who overwrite lists of referrers", ["registry/referrers_tag"]],
  [68, "lists of referrers without types", ["ops/copy_lessons", "registry/referrers_tag"]],
  [69, "referrers without an API", ["registry/referrers"]],
  [70, "signatures that double", ["ops/copy_lessons"]],
  [71, "attestations among all platforms", ["ops/copy_lessons"]],
  [72, "attestations taken for platforms", ["dockerreg/docker_registry"]],
  [73, "indexes in indexes", ["dockerreg/docker_registry"]],
  [74, "configs of other projects", ["image/mutate"]],
  [75, "indexes of blobs", ["ops/copy"]],
  [76, "the variants of docker save", ["store/docker_archive"]],
  [77, "an index in an archive of Docker", ["store/archive_target"]],
  [78, "tags that may not be moved", ["registry/immutable_tags"]],
  [79, "ranges without an end", ["registry/faults"]],
  [80, "connections that drop after minutes", ["registry/faults"]],
  [81, "secrets in errors", ["registry/errors"]],
  [82, "a copy in memory of what streams through", ["registry/faults"]],
];

const TEST_REGEXP = /\btest\(\s*(["`])(.*?)\1/gs;
const LESSON_REGEXP = /\blessons? (\d+(?:(?:, | and )\d+)*)/g;

/** The lessons that the tests of a file are named by. */
function lessonsIn(source: string): Set<number> {
  const names = [...source.matchAll(TEST_REGEXP)].map(([, , name = ""]) => name);
  const lists = names.flatMap((name) => [...name.matchAll(LESSON_REGEXP)]);
  return new Set(lists.flatMap(([, list = ""]) => list.split(/, | and /).map(Number)));
}

const files = readdirSync("tests", { recursive: true, encoding: "utf8" })
  .map((path) => path.replaceAll("\\", "/"))
  .filter((path) => path.endsWith(".test.ts"));

const found = new Map(
  files.map((path) => [
    path.replace(/\.test\.ts$/, ""),
    lessonsIn(readFileSync(join("tests", path), "utf8")),
  ]),
);

test("every lesson has its row, once and in order", () => {
  assert.deepEqual(
    TABLE.map(([lesson]) => lesson),
    Array.from({ length: LESSONS }, (_, at) => at + 1),
  );
});

test("every file that a row names has a test of its lesson", () => {
  for (const [lesson, what, named] of TABLE) {
    assert.ok(named.length > 0, `lesson ${lesson} has no test: ${what}`);
    for (const file of named) {
      assert.ok(found.get(file)?.has(lesson), `${file} has no test of lesson ${lesson}: ${what}`);
    }
  }
});

test("no test is named by a lesson that there is not", () => {
  for (const [file, lessons] of found) {
    for (const lesson of lessons) assert.ok(lesson >= 1 && lesson <= LESSONS, `${file}: ${lesson}`);
  }
});
