// What nothing leads to any more in a layout on a disk.
import { readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { lading, type Run, withRegistry } from "./lading_main.ts";

function done({ code, out, errors }: Run): string {
  assert.equal(code, 0, errors);
  return out.trim();
}

test("lading gc deletes what a name led to, once it is old enough, and shows it before", async () => {
  await withRegistry(async (image, folder) => {
    const layout = `oci:${folder}/layout`;
    for (const platform of ["linux/amd64", "linux/arm64"]) {
      const name = `${layout}:${platform.slice(6)}`;
      done(await lading("copy", image, name, "--platform", platform));
    }
    const blobs = (): string[] => readdirSync(join(folder, "layout/blobs/sha256"));
    const count = blobs().length;
    const gone = done(await lading("digest", `${layout}:arm64`));
    done(await lading("untag", `${layout}:arm64`));
    const young = await lading("gc", layout);
    assert.equal(done(young), "");
    assert.match(young.errors, /^deleted 0 blobs, 0 B; kept \d+ blobs, .*--older-than says/);
    assert.equal(blobs().length, count);
    const options = ["--older-than", "0"];
    const plan = await lading("gc", layout, "--dry-run", ...options);
    const [first, ...others] = done(plan).split("\n");
    assert.equal(first, gone);
    assert.match(plan.errors, /^would delete \d+ blobs, .* [kM]?B; kept \d+ blobs, .* [kM]?B\n$/);
    assert.equal(blobs().length, count);
    const told = JSON.parse(done(await lading("gc", layout, "--dry-run", "--json", ...options)));
    assert.deepEqual(told.deleted.map(({ digest }: { digest: string }) => digest), [
      first,
      ...others,
    ]);
    assert.equal(told.kept, count - others.length - 1);
    const left = join(folder, "layout/.tmp-1-a");
    writeFileSync(left, "part");
    utimesSync(left, 1, 1);
    const run = await lading("gc", layout, ...options);
    assert.equal(done(run), [first, ...others].join("\n"));
    assert.match(run.errors, /^removed .*layout\/\.tmp-1-a, which is not finished\ndeleted /);
    assert.equal(blobs().length, told.kept);
    assert.equal((await lading("validate", `${layout}:amd64`)).code, 0);
    done(await lading("copy", image, `${layout}:arm64`, "--platform", "linux/arm64"));
    assert.equal(blobs().length, count);
  });
});

test("lading gc takes a whole layout and an age, and nothing else", async () => {
  await withRegistry(async (image, folder) => {
    const layout = `oci:${folder}/layout`;
    done(await lading("copy", image, layout));
    for (const args of [[image], ["docker-archive:./a.tar"], [`${layout}:1`], []]) {
      assert.equal((await lading("gc", ...args)).code, 2, args.join(" "));
    }
    for (const age of ["1", "1w", "-1h", "h", ""]) {
      assert.equal((await lading("gc", layout, `--older-than=${age}`)).code, 2, age);
    }
    assert.equal((await lading("gc", `oci:${folder}/none`)).code, 3);
    for (const age of ["90s", "30m", "12h", "7d"]) {
      done(await lading("gc", layout, "--older-than", age));
    }
  });
});
