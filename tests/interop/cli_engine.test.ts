// The verbs of `lading engine` at a real engine.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import assert from "node:assert/strict";
import { noDockerEngine, withDockerEngine } from "../support/docker_engine.ts";
import { inScratch, mustRun, run } from "../support/program.ts";

test("lading engine builds, lists, tags, saves, loads, imports, removes and tells", {
  skip: noDockerEngine(),
}, () =>
  inScratch((folder) =>
    withDockerEngine(join(folder, "engine"), async ({ docker, env }) => {
      const call = (
        ...args: string[]
      ) => [join(process.cwd(), "lib/cli/main.ts"), "engine", ...args];
      const lading = async (...args: string[]) =>
        (await mustRun(process.execPath, call(...args), { env })).stdout.trim();
      const shell = (line: string) =>
        mustRun("bash", ["-o", "pipefail", "-c", line], {
          env: { ...env, L: `${process.execPath} ${call().slice(0, 2).join(" ")}`, F: folder },
        });
      const site = join(folder, "site");
      mkdirSync(join(site, "ignored"), { recursive: true });
      writeFileSync(join(site, "Dockerfile"), "FROM scratch\nARG V\nLABEL v=$V\nCOPY . /srv\n");
      writeFileSync(join(site, "index.html"), "<h1>hello</h1>\n");
      writeFileSync(join(site, "ignored", "secret"), "x");
      writeFileSync(join(site, ".dockerignore"), "ignored\n");

      assert.match(await lading("info"), /^engine {4}\d+\..*\nAPI {7}1\.\d+/);
      assert.equal(JSON.parse(await lading("info", "--json")).Driver, "vfs");
      const id = await lading(
        "build",
        site,
        "-t",
        "site:dev",
        "-t",
        "site:1",
        "--build-arg",
        "V=7",
      );
      assert.match(id, /^sha256:[0-9a-f]{64}$/);
      const [inspected] = JSON.parse((await docker("image", "inspect", "site:dev")).stdout);
      assert.equal(inspected.Id, id);
      assert.equal(inspected.Config.Labels.v, "7");
      assert.equal(JSON.parse(await lading("inspect", "site:dev")).Id, id);
      const listed = (await lading("images")).split("\n").map((line) => line.split(/ +/).at(-1));
      assert.deepEqual(listed.sort(), ["site:1", "site:dev"]);
      const [summary] = JSON.parse(await lading("images", "--json", "--filter", "label=v=7"));
      assert.equal(summary.id, id);
      assert.match(await lading("history", "site:dev"), /COPY/);
      assert.equal(await lading("tag", "site:dev", "acme/site:2"), "acme/site:2");

      await shell("$L save site:dev > $F/site.tar");
      const names = (await mustRun("tar", ["-tf", join(folder, "site.tar")])).stdout;
      assert.match(names, /manifest\.json/);
      assert.match(
        await lading("rm", "site:dev", "site:1", "acme/site:2"),
        /^untagged {2}site:dev/,
      );
      assert.equal(await lading("images"), "");
      assert.equal(await lading("load", join(folder, "site.tar")), "site:dev");
      await shell("$L load - < $F/site.tar");
      const tree = join(folder, "tree.tar");
      await mustRun("tar", ["-C", site, "-cf", tree, "index.html"]);
      const imported = await lading("import", tree, "tree:1", "--change", "LABEL a=b");
      assert.equal(JSON.parse(await lading("inspect", "tree:1")).Id, imported);
      assert.equal(JSON.parse(await lading("inspect", "tree:1")).Config.Labels.a, "b");

      const [loaded] = JSON.parse(await lading("load", join(folder, "site.tar"), "--json"));
      assert.deepEqual(loaded.tags, ["site:dev"]);

      const failed = async (code: number, message: RegExp, ...args: string[]) => {
        const ended = await run(process.execPath, call(...args), { env });
        assert.equal(ended.code, code, `${args.join(" ")}: ${ended.stderr}`);
        assert.match(ended.stderr.trim().split("\n").at(-1) ?? "", message);
      };
      await failed(3, /no such image/i, "inspect", "none:1");
      await failed(1, /unexpected EOF|archive/, "load", join(site, "Dockerfile"));
      writeFileSync(join(site, "Dockerfile"), "FROM scratch\nCOPY absent /x\n");
      await failed(1, /absent/, "build", site);
      await failed(2, /there is no command "imges"/, "imges");
      await failed(2, /too few/, "tag", "x");
      writeFileSync(join(folder, "empty.tar"), "");
      assert.equal(readFileSync(join(folder, "empty.tar")).length, 0);
      await failed(1, /./, "load", join(folder, "empty.tar"));
    })
  ));
