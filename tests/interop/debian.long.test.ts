// A Debian root file system of 200 MB: pulled from a real registry, judged by skopeo, umoci, tar.
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import assert from "node:assert/strict";
import { DEBIAN_NEEDS, pushDebian } from "../support/debian.ts";
import { withDockerRegistry } from "../support/docker_registry.ts";
import { inScratch, missing, mustRun } from "../support/program.ts";
import { fileTree } from "../support/tree.ts";

const needs = missing("docker-registry", ...DEBIAN_NEEDS);

/** Runs the command from the sources. */
const lading = (...args: string[]) => mustRun(process.execPath, ["lib/cli/main.ts", ...args]);

test("a Debian root file system is the same by umoci unpack and by lading export", {
  skip: needs,
}, async () => {
  await inScratch((folder) =>
    withDockerRegistry(folder, async (host) => {
      await pushDebian(host, folder);
      for (const name of ["debian:gzip", "debian-zstd:zstd"]) {
        await lading("pull", `${host}/${name}`, `oci:${folder}/layout:image`);
        await lading("validate", `oci:${folder}/layout:image`);
        await mustRun("skopeo", ["copy", `oci:${folder}/layout:image`, `dir:${folder}/dir`]);
        const bundle = join(folder, "bundle");
        const ours = join(folder, "ours");
        mkdirSync(ours);
        // umoci 0.4 knows no zstd; the tree of the gzip image is what both have to be.
        if (name === "debian:gzip") {
          await mustRun("umoci", ["unpack", "--image", `${folder}/layout:image`, bundle]);
        }
        const main = join(process.cwd(), "lib/cli/main.ts");
        const export_ = `"${process.execPath}" "${main}" export "oci:${folder}/layout:image"`;
        const unpack = "tar -xp --numeric-owner --xattrs --xattrs-include='*'";
        await mustRun("bash", ["-o", "pipefail", "-c", `${export_} | ${unpack}`], { cwd: ours });
        const hasTime = (path: string) => path !== "";
        const expected = fileTree(join(bundle, "rootfs"), hasTime);
        assert.ok(expected.length > 5000, `${expected.length} paths`);
        assert.deepEqual(fileTree(ours, hasTime), expected);
        for (const used of ["layout", "dir", "ours"]) {
          rmSync(join(folder, used), { recursive: true });
        }
      }
      assert.ok(existsSync(join(folder, "bundle")));
    })
  );
});
