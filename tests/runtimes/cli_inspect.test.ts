/** What the command tells of images and artifacts, and which files it lists. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll } from "../../lib/bytes/mod.ts";
import { writeTar } from "../../lib/tar/mod.ts";
import { lading, type Run, withRegistry } from "./lading_main.ts";

const PLATFORM = ["--platform", "linux/amd64"];

function done({ code, out, errors }: Run): string {
  assert.equal(code, 0, errors);
  return out;
}

async function pushNotes(folder: string, place: string): Promise<void> {
  const note = join(folder, "note.txt");
  writeFileSync(note, "note");
  const type = ["--artifact-type", "text/x-notes", "--annotation", "by=me"];
  done(await lading("artifact", "push", place, note, ...type));
}

test("lading inspect shows how a container of the image is run, a line for each value", () =>
  withRegistry(async (image, folder) => {
    const to = `oci:${folder}/made:1`;
    const edits = [
      ...["--entrypoint", "/bin/app serve", "--cmd=--port 80", "--user", "1:2"],
      ...["--workdir", "/srv", "--env", "A=1", "--env", "B=x y", "--expose", "80"],
      ...["--volume", "/data", "--label", "team=a", "--annotation", "note=b", "--author", "me"],
    ];
    const dashed = await lading("mutate", image, "--cmd", "--port 80", "--to", to);
    assert.equal(dashed.code, 2);
    assert.match(dashed.errors, /--cmd COMMAND, or --cmd='--port 80' for one with a dash$/m);
    done(await lading("mutate", image, ...edits, ...PLATFORM, "--to", to));
    const lines = done(await lading("inspect", to)).split("\n");
    for (
      const line of [
        'entrypoint  ["/bin/app","serve"]',
        'cmd         ["--port","80"]',
        "user        1:2",
        "workdir     /srv",
        "env         A=1",
        "env         B=x y",
        "port        80/tcp",
        "volume      /data",
        "label       team=a",
        "annotation  note=b",
        "author      me",
        "platform    linux/amd64",
      ]
    ) assert.ok(lines.includes(line), `${line} in\n${lines.join("\n")}`);
    const { annotations, config, artifactType } = JSON.parse(
      done(await lading("inspect", to, "--json")),
    );
    assert.deepEqual([annotations, config.config.User, artifactType], [
      { note: "b" },
      "1:2",
      undefined,
    ]);
  }));

test("lading inspect shows an artifact: its type, its files and what it is about", () =>
  withRegistry(async (image, folder, digest) => {
    const place = `oci:${folder}/notes:1`;
    await pushNotes(folder, place);
    const text = done(await lading("inspect", place));
    assert.match(text, /^artifact {4}text\/x-notes$/m);
    assert.match(text, /^annotation {2}by=me$/m);
    assert.match(text, /^blob {8}sha256:[0-9a-f]{64} {2}4 B {2}note\.txt$/m);
    assert.doesNotMatch(text, /platform|created/);
    const { artifactType, layers, config } = JSON.parse(
      done(await lading("inspect", place, "--json")),
    );
    assert.deepEqual([artifactType, layers.length, config], ["text/x-notes", 1, undefined]);
    const attach = ["attach", image, join(folder, "note.txt"), "--artifact-type", "text/x-note"];
    const attached = done(await lading(...attach)).trim();
    assert.ok(done(await lading("inspect", attached)).includes(`\nsubject     ${digest}\n`));
  }));

test("commands for files say of an artifact that it is one", () =>
  withRegistry(async (image, folder) => {
    const place = `oci:${folder}/notes:1`;
    await pushNotes(folder, place);
    const made = ["--to", `oci:${folder}/made:1`];
    const rows = [
      ["ls", place],
      ["cat", place, "/note.txt"],
      ["export", place],
      ["extract", place, join(folder, "tree")],
      ["diff", image, place, ...PLATFORM],
      ["flatten", place, ...made],
      ["squash", place, ...made],
    ];
    for (const args of rows) {
      const { code, errors, out } = await lading(...args);
      assert.equal(code, 1, `${args.join(" ")}: ${errors}`);
      assert.match(
        errors,
        /it is an artifact \(text\/x-notes\); lading artifact pull gets its files$/m,
      );
      assert.equal(out, "");
    }
  }));

test("lading ls lists what is below a path, and follows links to it", () =>
  withRegistry(async (_, folder) => {
    const tree = join(folder, "layer.tar");
    const body = new Uint8Array(3);
    const entries = writeTar([
      { path: "bin", type: "symlink", linkPath: "usr/bin" },
      { path: "usr/local/up", type: "symlink", linkPath: "../../bin" },
      { path: "round", type: "symlink", linkPath: "/round" },
      { path: "usr/bin/sh", body },
      { path: "usr/bin/ünï", body },
      { path: "usr/binary", body },
    ]);
    writeFileSync(tree, await readAll(entries, { maxBytes: 1 << 20 }));
    const place = `oci:${folder}/made:1`;
    done(await lading("append", "scratch", tree, ...PLATFORM, "--to", place));
    const listed = async (...args: string[]): Promise<string[]> =>
      done(await lading("ls", place, ...args)).trim().split("\n");
    const below = ["usr/bin/sh", "usr/bin/ünï"];
    for (const path of ["/bin", "bin/", "./usr/bin", "/usr/bin/", "/usr/local/up"]) {
      assert.deepEqual(await listed(path), below, path);
    }
    assert.deepEqual(await listed("/bin/sh"), ["usr/bin/sh"]);
    assert.deepEqual(await listed("/"), await listed());
    const json = JSON.parse(done(await lading("ls", place, "/bin", "--json")));
    assert.deepEqual(json.map(({ path }: { path: string }) => path), below);
    for (const path of ["/usr/none", "/round", "/bin/sh/x"]) {
      assert.equal((await lading("ls", place, path)).code, 3, path);
    }
  }));

test("lading index list says of an attestation what it is about", () =>
  withRegistry(async (image, folder) => {
    const index = JSON.parse(done(await lading("manifest", image)));
    const [first, second] = index.manifests;
    second.platform = { os: "unknown", architecture: "unknown" };
    second.annotations = {
      "vnd.docker.reference.type": "attestation-manifest",
      "vnd.docker.reference.digest": first.digest,
    };
    const file = join(folder, "index.json");
    writeFileSync(file, JSON.stringify(index));
    const to = `${image}-attested`;
    done(await lading("manifest", "push", to, file));
    const [one = "", two = ""] = done(await lading("index", "list", to)).split("\n");
    assert.ok(one.endsWith(`  ${first.platform.os}/${first.platform.architecture}`), one);
    assert.ok(two.endsWith(`  attestation-manifest of ${first.digest.slice(7, 19)}`), two);
  }));
