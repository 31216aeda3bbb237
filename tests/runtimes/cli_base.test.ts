// What images say of their base, and what becomes of it when the base is another one.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { lading, type Run, withRegistry } from "./lading_main.ts";

const PLATFORM = ["--platform", "linux/amd64"];

function done({ code, out, errors }: Run): string {
  assert.equal(code, 0, errors);
  return out.trim();
}

test("lading check-base tells that a base has moved on, and rebase follows it", async () => {
  await withRegistry(async (image, folder) => {
    const [repository = ""] = image.split(":1");
    const [file, app] = [join(folder, "motd"), image.replace("acme/app:1", "acme/built:1")];
    writeFileSync(file, "hello\n");
    const base = done(await lading("copy", image, `${repository}:base`, ...PLATFORM));
    const to = ["--to", app, ...PLATFORM];
    done(
      await lading("append", `${repository}:base`, `${file}:/motd`, "--base-annotations", ...to),
    );
    const { annotations } = JSON.parse(done(await lading("manifest", app)));
    assert.equal(annotations["org.opencontainers.image.base.name"], `${repository}:base`);
    assert.ok(base.endsWith(annotations["org.opencontainers.image.base.digest"]), base);
    assert.equal(done(await lading("check-base", app)), base);
    assert.equal(done(await lading("check-base", app, "--base", image, ...PLATFORM)), base);

    const moved = done(
      await lading("append", `${repository}:base`, `${file}:/new`, "--to", `${repository}:base`),
    );
    const checked = await lading("check-base", app);
    assert.equal(checked.code, 5);
    assert.equal(checked.out.trim(), moved);
    assert.match(
      checked.errors,
      /^lading: \S+ is not built on what \S+:base is now; lading rebase/,
    );
    assert.equal(checked.errors.trim().split("\n").length, 1);
    const json = await lading("check-base", app, "--json");
    assert.equal(json.code, 5);
    assert.deepEqual(JSON.parse(json.out), {
      base: `${repository}:base`,
      digest: moved.slice(moved.indexOf("@") + 1),
      isCurrent: false,
    });

    done(await lading("rebase", app, "--to", app));
    assert.equal(done(await lading("check-base", app)), moved);
    const names = done(await lading("ls", app)).split("\n");
    assert.ok(names.includes("motd") && names.includes("new"), names.join(" "));
    assert.equal((await lading("validate", app)).code, 0);
  });
});

test("an image that does not name its base is told so, in one line", async () => {
  await withRegistry(async (image, folder) => {
    const to = ["--to", `oci:${folder}/none:1`];
    const rows: readonly (readonly [RegExp, readonly string[]])[] = [
      [/--base node/, ["check-base", image, ...PLATFORM]],
      [/--old-base/, ["rebase", image, ...PLATFORM, ...to]],
      [/--old-base/, ["rebase", image, "--new-base", image, ...PLATFORM, ...to]],
      [/in a registry/, ["append", "scratch", folder, "--base-annotations", ...to]],
      [/in a registry/, ["append", `oci:${folder}/x`, folder, "--base-annotations", ...to]],
    ];
    for (const [message, args] of rows) {
      const run = await lading(...args);
      assert.equal(run.code, 2, `${args.join(" ")}: ${run.errors}`);
      assert.match(run.errors, message);
      assert.equal(run.errors.trim().split("\n").length, 1, run.errors);
    }
    assert.equal((await lading("check-base", image, "--base", `${image}0`, ...PLATFORM)).code, 3);
    assert.equal((await lading("digest", `oci:${folder}/none:1`)).code, 3);
  });
});
