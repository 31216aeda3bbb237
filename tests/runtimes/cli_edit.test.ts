// The verbs that make images of images, through the command line and real registries.
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { lading, type Run, withRegistry } from "./lading_main.ts";

function done(run: Run): string {
  assert.equal(run.code, 0, run.errors);
  return run.out.trim();
}

async function json(...args: string[]) {
  return JSON.parse(done(await lading(...args)));
}

function makeFiles(folder: string): string {
  const dist = join(folder, "dist");
  mkdirSync(join(dist, "lib"), { recursive: true });
  writeFileSync(join(dist, "main.js"), "console.log('hello');\n");
  writeFileSync(join(dist, "lib", "a.js"), "export {};\n", { mode: 0o600 });
  symlinkSync("main.js", join(dist, "link.js"));
  return dist;
}

test("lading append puts a directory, a file and an archive on an image of a registry", async () => {
  await withRegistry(async (image, folder) => {
    const dist = makeFiles(folder);
    writeFileSync(join(folder, "motd"), "welcome\n");
    const tar = done(
      await lading("append", "scratch", `${dist}:/from-tar`, "--to", `oci:${folder}/x:1`),
    );
    assert.match(tar, /x@sha256:[0-9a-f]{64}$/);
    assert.equal((await lading("ls", tar)).out, (await lading("ls", `oci:${folder}/x:1`)).out);
    const exported = await lading("export", `oci:${folder}/x:1`);
    writeFileSync(join(folder, "tree.tar"), exported.bytes);
    const to = image.replace("acme/app:1", "acme/new:2");
    const pinned = done(
      await lading(
        ...["append", image, `${dist}:/app`, `${join(folder, "motd")}:/etc/motd`],
        ...[join(folder, "tree.tar"), "--platform", "linux/amd64", "--to", to],
        ...["--cmd", "node '/app/main.js'", "--env", "A=1", "-e", "B=x=y", "--label", "v=2"],
        ...["--user", "1000:1000", "--workdir", "/app", "--expose", "8080", "--volume", "/data"],
      ),
    );
    assert.match(pinned, /\/acme\/new@sha256:[0-9a-f]{64}$/);
    const names = done(await lading("ls", to)).split("\n");
    for (
      const name of ["app/main.js", "app/lib/a.js", "app/link.js", "etc/motd", "from-tar/main.js"]
    ) {
      assert.ok(names.some((line) => line.replace(/^\//, "").startsWith(name)), name);
    }
    assert.equal((await lading("cat", to, "/app/link.js")).out, "console.log('hello');\n");
    assert.equal((await lading("cat", to, "/etc/motd")).out, "welcome\n");
    const { config, history } = await json("config", to);
    assert.deepEqual(config.Cmd, ["node", "/app/main.js"]);
    assert.ok(config.Env.includes("A=1") && config.Env.includes("B=x=y"));
    assert.equal(config.Labels.v, "2");
    assert.equal(config.User, "1000:1000");
    assert.equal(config.WorkingDir, "/app");
    assert.deepEqual(Object.keys(config.ExposedPorts), ["8080/tcp"]);
    assert.deepEqual(Object.keys(config.Volumes), ["/data"]);
    assert.ok(history === undefined || Array.isArray(history));
    assert.equal((await lading("validate", to)).code, 0);
  });
});

test("lading append gives layers on a Windows image the form that Windows wants", async () => {
  await withRegistry(async (image, folder) => {
    const dist = makeFiles(folder);
    const to = image.replace("acme/app:1", "acme/windows:1");
    const windows = ["--platform", "windows/amd64", "--to", to];
    done(await lading("append", "scratch", `${dist}:/app`, ...windows));
    const form = ["Files", "Files/app", "Files/app/lib", "Files/app/lib/a.js"];
    assert.deepEqual(done(await lading("ls", to)).split("\n").sort(), [
      ...form,
      "Files/app/link.js",
      "Files/app/main.js",
      "Hives",
    ]);
    const exported = join(folder, "layer.tar");
    writeFileSync(exported, (await lading("export", to)).bytes);
    const second = image.replace("acme/app:1", "acme/windows:2");
    const again = ["append", to, exported, "--platform", "windows/amd64", "--to", second];
    const refused = await lading(...again);
    assert.equal(refused.code, 1);
    assert.match(refused.errors, /^lading: [^\n]*form of a layer for Windows already[^\n]*\n$/);
    assert.equal((await lading("digest", second)).code, 3);
    done(await lading(...again, "--as-layer"));
    const names = done(await lading("ls", second, "--platform", "windows/amd64")).split("\n");
    assert.ok(names.includes("Files/app/main.js") && !names.includes("Files/Files"), `${names}`);
    assert.equal((await lading("validate", second)).code, 0);
  });
});

test("lading append gives the same digest another day, and the base is mounted", async () => {
  await withRegistry(async (image, folder) => {
    const dist = makeFiles(folder);
    const to = image.replace("acme/app:1", "acme/new:2");
    const args = ["append", image, `${dist}:/app`, "--platform", "linux/amd64", "--to"];
    const first = await json(...args, to, "--json");
    assert.ok(first.bytesMounted > 0);
    writeFileSync(join(dist, "main.js"), readFileSync(join(dist, "main.js")));
    const again = await json(...args, `oci:${folder}/again:1`, "--json");
    assert.equal(again.descriptor.digest, first.descriptor.digest);
  });
});

test("lading mutate changes what an image says, and layers keep their bytes", async () => {
  await withRegistry(async (image, folder) => {
    const base = `oci:${folder}/base:1`;
    done(await lading("pull", image, base, "--platform", "linux/amd64"));
    const to = `oci:${folder}/changed:1`;
    done(
      await lading(
        ...[
          "mutate",
          base,
          "--label",
          "a=1",
          "--label",
          "b=2",
          "--annotation",
          "note=x",
          "--to",
          to,
        ],
        ...["--author", "me", "--created", "2020-01-02T03:04:05Z", "--entrypoint", '["/bin/app"]'],
      ),
    );
    const [before, after] = [await json("manifest", base), await json("manifest", to)];
    assert.deepEqual(after.layers, before.layers);
    assert.equal(after.annotations.note, "x");
    const { config, author, created } = await json("config", to);
    assert.deepEqual(config.Labels, { ...config.Labels, a: "1", b: "2" });
    assert.deepEqual([author, created], ["me", "2020-01-02T03:04:05Z"]);
    assert.deepEqual(config.Entrypoint, ["/bin/app"]);
    const third = `oci:${folder}/third:1`;
    done(
      await lading(
        "mutate",
        to,
        "--remove",
        "label:a",
        "--remove",
        "annotation:note",
        "--to",
        third,
      ),
    );
    assert.equal((await json("config", third)).config.Labels.a, undefined);
    assert.equal((await json("config", third)).config.Labels.b, "2");
    assert.equal((await json("manifest", third)).annotations?.note, undefined);
    const timed = `oci:${folder}/timed:1`;
    done(await lading("mutate", to, "--time", "86400", "--layer-times", "--to", timed));
    assert.equal((await json("config", timed)).created, "1970-01-02T00:00:00Z");
    const listing = done(await lading("ls", timed, "--long")).split("\n");
    assert.ok(
      listing.length > 1 && listing.every((line) => line.includes("1970-01-02")),
      listing[0],
    );
    assert.equal((await lading("validate", timed)).code, 0);
  });
});

test("lading mutate takes files out of layers, and stores layers in another way", async () => {
  await withRegistry(async (image, folder) => {
    const dist = makeFiles(folder);
    const platform = ["--platform", "linux/amd64"];
    const [made, slim] = [`oci:${folder}/made:1`, `oci:${folder}/slim:1`];
    done(await lading("append", image, `${dist}:/app`, `${dist}:/srv`, ...platform, "--to", made));
    const strip = ["--strip", "/app/lib", "--strip", "srv"];
    done(await lading("mutate", made, ...strip, "--label", "is=slim", "--to", slim));
    const before = done(await lading("ls", made)).split("\n");
    const gone = before.filter((name) => /^(?:app\/lib|srv)(?:\/|$)/.test(name));
    assert.equal(gone.length, 7, gone.join(" "));
    const left = before.filter((name) => !gone.includes(name));
    assert.deepEqual(done(await lading("ls", slim)).split("\n"), left);
    assert.equal((await json("config", slim)).config.Labels.is, "slim");
    done(await lading("mutate", slim, "--compression", "none", "--to", `oci:${folder}/plain:1`));
    const { layers } = await json("manifest", `oci:${folder}/plain:1`);
    for (const { mediaType } of layers) assert.match(mediaType, /\.tar$/);
    const [config, plain] = [
      await json("config", slim),
      await json("config", `oci:${folder}/plain:1`),
    ];
    assert.deepEqual(plain.rootfs, config.rootfs);
    for (const name of ["slim", "plain"]) {
      assert.equal((await lading("validate", `oci:${folder}/${name}:1`)).code, 0);
    }
  });
});

test("lading mutate and lading append store layers as zstd, but not in Docker's format", async () => {
  await withRegistry(async (image, folder) => {
    const dist = makeFiles(folder);
    const platform = ["--platform", "linux/amd64"];
    const [docker, to] = [`oci:${folder}/docker:1`, `oci:${folder}/zstd:1`];
    done(await lading("mutate", image, ...platform, "--format", "docker", "--to", docker));
    const mutated = ["mutate", docker, "--compression", "zstd", "--to"];
    const appended = ["append", docker, `${dist}:/app`, "--zstd", ...platform, "--to"];
    for (const args of [mutated, appended]) {
      const refused = await lading(...args, `oci:${folder}/none:1`);
      assert.equal(refused.code, 1, args[0]);
      assert.match(refused.errors, /give the image the format oci first/);
      done(await lading(...args, to, "--format", "oci"));
      const { layers } = await json("manifest", to);
      assert.match(layers.at(-1).mediaType, /^application\/vnd\.oci\..*\.tar\+zstd$/);
      assert.equal((await lading("validate", to)).code, 0);
    }
  });
});

test("lading attach makes a referrer, which copy --referrers takes along", async () => {
  await withRegistry(async (image, folder, digest) => {
    writeFileSync(join(folder, "sbom.json"), "{}");
    const type = "application/spdx+json";
    const file = `${join(folder, "sbom.json")}:application/json`;
    const pinned = done(
      await lading("attach", image, file, "--artifact-type", type, "--annotation", "by=me"),
    );
    assert.match(pinned, /\/acme\/app@sha256:[0-9a-f]{64}$/);
    const [listed] = await json("referrers", image, "--json");
    assert.equal(pinned.endsWith(listed.digest), true);
    assert.equal(listed.annotations.by, "me");
    const artifact = await json("manifest", pinned);
    assert.equal(artifact.subject.digest, digest);
    assert.equal(artifact.layers[0].mediaType, "application/json");
    assert.equal(artifact.layers[0].annotations["org.opencontainers.image.title"], "sbom.json");
    const copied = image.replace("acme/app", "acme/copied");
    done(await lading("copy", image, copied));
    assert.equal((await json("referrers", copied, "--json")).length, 0);
    done(await lading("copy", image, copied, "--referrers"));
    assert.equal((await json("referrers", copied, "--json"))[0].digest, listed.digest);
    const one = await lading("attach", image, "--artifact-type", type, "--platform", "linux/arm64");
    assert.notEqual((await json("manifest", done(one))).subject.digest, digest);
  });
});

test("lading copy writes archives, and reads them again", async () => {
  await withRegistry(async (image, folder, digest) => {
    const archive = `oci-archive:${folder}/app.tar`;
    const pinned = done(await lading("copy", image, archive));
    assert.equal(pinned, `oci-archive:${folder}/app.tar@${digest}`);
    assert.equal(done(await lading("digest", pinned)), digest);
    assert.equal(done(await lading("digest", archive)), digest);
    const docker = `docker-archive:${folder}/docker.tar`;
    done(await lading("copy", image, docker, "--platform", "linux/amd64"));
    assert.match((await json("inspect", docker, "--json")).digest, /^sha256:/);
    const back = image.replace("acme/app:1", "acme/back:1");
    done(await lading("copy", archive, back));
    assert.equal(done(await lading("digest", back)), digest);
    // Docker loads one image of an index; the archive keeps all of them.
    done(await lading("copy", image, `docker-archive:${folder}/both.tar`));
    assert.equal(done(await lading("digest", `oci-archive:${folder}/both.tar`)), digest);
    assert.match(
      (await json("inspect", `docker-archive:${folder}/both.tar`, "--json")).platform,
      /linux/,
    );
  });
});

test("lading copy --format converts, and --dry-run tells the digest before", async () => {
  await withRegistry(async (image, folder, digest) => {
    const to = `oci:${folder}/docker:1`;
    const plan = await json("copy", image, to, "--format", "docker", "--dry-run", "--json");
    const pinned = done(await lading("copy", image, to, "--format", "docker"));
    const [place, converted] = pinned.split("@");
    assert.equal(place, `oci:${folder}/docker`);
    assert.notEqual(converted, digest);
    assert.equal(plan.descriptor.digest, converted);
    assert.match(
      (await json("manifest", to, "--platform", "all")).mediaType,
      /docker.*manifest\.list/,
    );
  });
});

test("lading sync copies the tags that match, and says which", async () => {
  await withRegistry(async (image, folder, digest) => {
    for (const tag of ["1.1", "1.2-rc1", "nightly"]) done(await lading("tag", image, tag));
    const [from, to] = [image.replace(/:1$/, ""), image.replace("acme/app:1", "mirror/app")];
    const first = await lading("sync", from, to, "--include", "1.*", "--exclude", ".*-rc\\d+");
    assert.equal(done(first), `1  ${digest}\n1.1  ${digest}`);
    assert.equal(done(await lading("sync", from, to, "--include", "1", "--include", "1.1")), "");
    const all = await json("sync", from, `oci:${folder}/all`, "--json");
    assert.deepEqual(all.copied.map(({ reference }: { reference: string }) => reference), [
      "1",
      "1.1",
      "1.2-rc1",
      "nightly",
    ]);
    assert.equal((await lading("digest", `oci:${folder}/all:nightly`)).out.trim(), digest);
  });
});

test("lading sync names images in full where docker reads them, and loses none of one tag", async () => {
  await withRegistry(async (image, folder, digest) => {
    const [from, other] = [image.replace(/:1$/, ""), image.replace("acme/app:1", "acme/other:1")];
    done(await lading("mutate", image, "--platform", "all", "--label", "a=b", "--to", other));
    const archive = `docker-archive:${folder}/own.tar`;
    done(await lading("tag", image, "2"));
    done(await lading("sync", from, archive));
    assert.equal(done(await lading("tags", archive)), `${from}:1\n${from}:2`);
    const named = `docker-archive:${folder}/named.tar`;
    assert.equal(
      done(await lading("sync", from, `${named}:acme/app`, "--include", "2")).length,
      74,
    );
    assert.equal(done(await lading("tags", named)), "docker.io/acme/app:2");
    const layout = `oci:${folder}/both`;
    done(await lading("copy", image, `${layout}:acme/app:1`));
    done(await lading("copy", other, `${layout}:acme/other:1`));
    const both = `docker-archive:${folder}/both.tar`;
    done(await lading("sync", layout, both));
    assert.equal(
      done(await lading("tags", both)),
      "docker.io/acme/app:1\ndocker.io/acme/other:1",
    );
    const lost = await lading("sync", layout, `oci:${folder}/tags`);
    assert.equal(lost.code, 1);
    assert.match(lost.errors, /"acme\/other:1": in the target it is "1", as "acme\/app:1" is/);
    assert.equal(lost.out.trim(), `acme/app:1  ${digest}`);
  });
});

test("lading sync of a place that names one image does not take all of them", async () => {
  await withRegistry(async (image, folder) => {
    const [from, layout] = [image.replace(/:1$/, ""), `oci:${folder}/layout`];
    done(await lading("sync", from, layout));
    const [host = ""] = from.split("/");
    const archive = `docker-archive:${folder}/a.tar`;
    const wrong: readonly (readonly [string, string])[] = [
      [image, `oci:${folder}/none`],
      [`${layout}:1`, `oci:${folder}/none`],
      [`${archive}:@0`, `oci:${folder}/none`],
      [layout, `${from}:2`],
      [layout, `${layout}2:2`],
      [layout, `${archive}:acme/app:2`],
      // A registry alone reads as a repository of Docker Hub with a tag.
      [layout, host],
    ];
    for (const [one, two] of wrong) {
      for (const dry of [[], ["--dry-run"]]) {
        const run = await lading("sync", one, two, ...dry);
        assert.equal(run.code, 2, `${one} ${two}: ${run.errors}`);
        assert.match(run.errors, /Cannot sync ".*": it names one image; leave its name out/);
      }
    }
    assert.equal((await lading("tags", `oci:${folder}/none`)).code, 3);
  });
});

test("verbs that make images say what is wrong with their arguments, and write nothing", async () => {
  await withRegistry(async (image, folder) => {
    const to = `oci:${folder}/none:1`;
    const base = ["--platform", "linux/amd64"];
    writeFileSync(join(folder, "plain"), "");
    const wrong: readonly (readonly [code: number, message: RegExp, args: readonly string[]])[] = [
      [2, /--to/, ["append", image, folder, ...base]],
      [2, /too few/, ["append", image, "--to", to]],
      [3, /there is no such file/, ["append", image, `${folder}/absent:/a`, "--to", to, ...base]],
      [2, /--env takes KEY=VALUE/, ["mutate", image, "--env", "A", "--to", to, ...base]],
      [2, /quote without an end/, ["mutate", image, "--cmd", "a 'b", "--to", to, ...base]],
      [2, /list of texts/, ["mutate", image, "--cmd", "[1]", "--to", to, ...base]],
      [2, /--remove takes/, ["mutate", image, "--remove", "x", "--to", to, ...base]],
      [2, /say what is to be changed/, ["mutate", image, "--to", to, ...base]],
      [2, /--compression takes/, ["mutate", image, "--compression", "lz4", "--to", to, ...base]],
      [6, /./, ["mutate", image, "--strip", "../x", "--to", to, ...base]],
      [2, /goes with --time/, ["mutate", image, "--user", "x", "--layer-times", "--to", to]],
      [2, /--format takes/, ["copy", image, to, "--format", "squashfs"]],
      [2, /name - once/, ["append", image, "-", "-:/a", "--to", to, ...base]],
      [2, /--zstd does not go/, ["append", image, folder, "--zstd", "--uncompressed", "--to", to]],
      [2, /--as-file/, ["append", image, "-:/a", "--as-file", "--to", to, ...base]],
      [2, /--mtime takes/, ["append", image, folder, "--mtime", "soon", "--to", to, ...base]],
      [2, /--mtime takes/, ["append", image, folder, "--mtime", "9".repeat(14), "--to", to]],
      [2, /--owner takes/, ["append", image, folder, "--owner", "a:b", "--to", to]],
      [2, /--owner takes/, ["append", image, folder, "--owner", `${2 ** 32}:0`, "--to", to]],
      [2, /--time takes/, ["mutate", image, "--time", "9".repeat(17), "--to", to]],
      [2, /--created takes/, ["mutate", image, "--created", "never", "--to", to]],
      [2, /--expose takes/, ["mutate", image, "--expose", "65536", "--to", to]],
      [2, /--expose takes/, ["mutate", image, "--expose", "80/smoke", "--to", to]],
      [2, /--artifact-type takes/, ["attach", image, "--artifact-type", "note"]],
      [2, /is no directory/, ["push", folder, image]],
      [2, /is no directory/, ["serve", join(folder, "plain")]],
      [2, /"" is no directory/, ["push", "", image]],
      [3, /there is no such file/, ["push", `${folder}/absent`, image]],
      [2, /--artifact-type/, ["attach", image]],
      [3, /./, ["attach", `${image}.none`, "--artifact-type", "a/b"]],
      [3, /./, ["attach", image, `${folder}/absent`, "--artifact-type", "a/b"]],
      [2, /regular expression/, ["sync", image, to, "--include", "("]],
    ];
    for (const [code, message, args] of wrong) {
      const run = await lading(...args);
      assert.equal(run.code, code, `${args.join(" ")}: ${run.errors}`);
      assert.match(run.errors, message, args.join(" "));
      assert.equal(run.errors.trim().split("\n").length, 1, run.errors);
      assert.equal(run.out, "");
    }
    assert.equal((await lading("digest", to)).code, 3);
  });
});

test("lading rebase, flatten and squash make images with the same files", async () => {
  await withRegistry(async (image, folder) => {
    const dist = makeFiles(folder);
    const platform = ["--platform", "linux/amd64"];
    const [old, next, app] = ["old", "next", "app"].map((name) => `oci:${folder}/${name}:1`);
    assert.ok(old !== undefined && next !== undefined && app !== undefined);
    done(await lading("pull", image, old, ...platform));
    done(await lading("append", old, `${dist}:/opt/new-base`, "--to", next));
    done(await lading("append", old, `${dist}:/opt/app`, "--cmd", "app", "--to", app));
    const rebased = `oci:${folder}/rebased:1`;
    const bases = ["--old-base", old, "--new-base", next];
    done(await lading("rebase", app, ...bases, "--label", "on=next", "--to", rebased));
    const names = done(await lading("ls", rebased));
    for (const name of ["opt/new-base/main.js", "opt/app/main.js"]) assert.ok(names.includes(name));
    assert.equal((await json("config", rebased)).config.Labels.on, "next");
    assert.equal((await lading("validate", rebased)).code, 0);
    const [flat, small] = [`oci:${folder}/flat:1`, `oci:${folder}/small:1`];
    done(await lading("flatten", rebased, "--to", flat));
    done(await lading("squash", rebased, "--base", old, "--to", small));
    assert.equal((await json("manifest", flat)).layers.length, 1);
    const [before, after] = [await json("manifest", old), await json("manifest", small)];
    assert.deepEqual(after.layers.slice(0, -1), before.layers);
    for (const place of [flat, small]) {
      assert.equal(
        done(await lading("ls", place, "--long")),
        done(await lading("ls", rebased, "--long")),
      );
      assert.equal((await lading("validate", place)).code, 0);
    }
    const other = await lading("rebase", flat, ...bases, "--to", `oci:${folder}/none:1`);
    assert.notEqual(other.code, 0);
    assert.match(other.errors, /Cannot rebase/);
  });
});

test("lading index makes, extends, filters and lists indexes", async () => {
  await withRegistry(async (image, folder, digest) => {
    const [one, two] = [`oci:${folder}/one:1`, `oci:${folder}/two:1`];
    const amd64 = done(await lading("pull", image, one, "--platform", "linux/amd64"));
    done(await lading("pull", image, two, "--platform", "linux/arm64"));
    const made = image.replace("acme/app:1", "acme/made:1");
    const pinned = done(
      await lading("index", "create", one, two, "--annotation", "a=b", "--to", made),
    );
    assert.match(pinned, /\/acme\/made@sha256:/);
    assert.equal((await json("manifest", made, "--platform", "all")).annotations.a, "b");
    const listed = done(await lading("index", "list", made)).split("\n");
    assert.deepEqual(listed.map((line) => line.split(/ +/).at(-1)), [
      "linux/amd64",
      "linux/arm64/v8",
    ]);
    const filtered = `oci:${folder}/filtered:1`;
    done(await lading("index", "filter", image, "--platform", "linux/amd64", "--to", filtered));
    const [entry, ...others] = await json("index", "list", filtered, "--json");
    assert.deepEqual(others, []);
    assert.ok(amd64.endsWith(entry.digest));
    const grown = `oci:${folder}/grown:1`;
    done(await lading("index", "append", filtered, two, "--to", grown));
    assert.equal((await json("index", "list", grown, "--json")).length, 2);
    const shrunk = `oci:${folder}/shrunk:1`;
    done(await lading("index", "remove", grown, entry.digest, "--to", shrunk));
    assert.equal((await json("index", "list", shrunk, "--json")).length, 1);
    assert.equal(done(await lading("digest", image)), digest);
    const wrong: readonly (readonly [number, readonly string[]])[] = [
      [2, ["index", "merge", image, "--to", made]],
      [2, ["index", "filter", image, "--to", made]],
      [2, ["index", "create", one]],
      [3, ["index", "filter", image, "--platform", "plan9", "--to", made]],
      [3, ["index", "remove", image, `sha256:${"0".repeat(64)}`, "--to", made]],
      [1, ["index", "append", one, two, "--to", made]],
    ];
    for (const [code, args] of wrong) {
      const run = await lading(...args);
      assert.equal(run.code, code, `${args.join(" ")}: ${run.errors}`);
    }
  });
});

test("lading push takes a layout or an archive by its path", async () => {
  await withRegistry(async (image, folder, digest) => {
    done(await lading("copy", image, `oci:${folder}/layout:1`));
    done(await lading("copy", image, `oci-archive:${folder}/oci.tar`));
    done(
      await lading(
        "copy",
        image,
        `docker-archive:${folder}/docker.tar`,
        "--platform",
        "linux/amd64",
      ),
    );
    const to = (name: string) => image.replace("acme/app:1", `acme/${name}:1`);
    assert.ok(done(await lading("push", `${folder}/layout`, to("a"))).endsWith(digest));
    assert.ok(done(await lading("push", `${folder}/oci.tar`, to("b"))).endsWith(digest));
    assert.ok(done(await lading("push", `oci:${folder}/layout:1`, to("c"))).endsWith(digest));
    done(await lading("push", `${folder}/docker.tar`, to("d")));
    assert.equal((await lading("validate", to("d"))).code, 0);
    writeFileSync(join(folder, "no.tar"), "no archive");
    for (const path of ["no.tar", "."]) {
      const run = await lading("push", join(folder, path), to("e"));
      assert.equal(run.code, 2, run.errors);
      assert.match(run.errors, /no directory with an OCI layout and no archive/);
    }
  });
});

test("lading copy writes an archive to stdout, for docker load and its like", async () => {
  await withRegistry(async (image, folder, digest) => {
    const written = await lading("copy", image, "oci-archive:-");
    assert.equal(written.code, 0, written.errors);
    writeFileSync(join(folder, "stdout.tar"), written.bytes);
    assert.equal(done(await lading("digest", `oci-archive:${folder}/stdout.tar`)), digest);
    const docker = await lading(
      "copy",
      image,
      "docker-archive:-:demo:2",
      "--platform",
      "linux/arm64",
    );
    writeFileSync(join(folder, "docker.tar"), docker.bytes);
    const found = `docker-archive:${folder}/docker.tar:demo:2`;
    assert.equal((await json("config", found)).architecture, "arm64");
    assert.equal((await lading("copy", image, "oci-archive:-", "--json")).code, 2);
  });
});

test("lading diff tells what was added, changed and deleted", async () => {
  await withRegistry(async (image, folder) => {
    const [first, second] = [`oci:${folder}/first:1`, `oci:${folder}/second:1`];
    const dist = makeFiles(folder);
    done(await lading("append", "scratch", `${dist}:/app`, "--to", first));
    writeFileSync(join(dist, "main.js"), "console.log('other');\n");
    writeFileSync(join(dist, "new.js"), "");
    rmSync(join(dist, "link.js"));
    done(await lading("append", "scratch", `${dist}:/app`, "--to", second));
    assert.equal(
      done(await lading("diff", first, second)),
      "- app/link.js\n~ app/main.js  (content)\n+ app/new.js",
    );
    assert.equal(done(await lading("diff", first, first)), "");
    const changes = await json("diff", first, second, "--json");
    assert.deepEqual(changes[1], { path: "app/main.js", change: "changed", what: ["content"] });
    assert.equal((await lading("diff", first, `${image}.none`)).code, 3);
  });
});

test("lading extract writes the tree, and only into an empty directory", async () => {
  await withRegistry(async (_, folder) => {
    const image = `oci:${folder}/image:1`;
    done(await lading("append", "scratch", `${makeFiles(folder)}:/app`, "--to", image));
    const out = join(folder, "out");
    done(await lading("extract", image, out));
    assert.equal(readFileSync(join(out, "app", "link.js"), "utf8"), "console.log('hello');\n");
    const again = await lading("extract", image, out);
    assert.notEqual(again.code, 0);
    assert.match(again.errors, /not empty/);
    const { files, links } = await json("extract", image, out, "--replace", "--json");
    assert.deepEqual([files, links], [2, 1]);
  });
});

test("lading mutate --platform all changes every image of an index", async () => {
  await withRegistry(async (image, folder) => {
    const to = `oci:${folder}/all:1`;
    done(await lading("mutate", image, "--platform", "all", "--label", "team=a", "--to", to));
    const { manifests } = await json("manifest", to, "--platform", "all");
    assert.equal(manifests.length, 2);
    for (const platform of ["linux/amd64", "linux/arm64"]) {
      assert.equal((await json("config", to, "--platform", platform)).config.Labels.team, "a");
    }
  });
});
