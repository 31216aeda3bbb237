import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { lading, type Run, withRegistry } from "./lading_main.ts";

function done({ code, out, errors }: Run): string {
  assert.equal(code, 0, errors);
  return out.trim();
}

test("lading tag, untag and delete change what a registry has, and name what they did", async () => {
  await withRegistry(async (image, _folder, digest) => {
    const repository = image.slice(0, -2);
    const tagged = await lading("tag", image, "latest");
    assert.equal(tagged.out.trim(), `${repository}@${digest}`, tagged.errors);
    assert.equal((await lading("tags", repository)).out, "1\nlatest\n");
    assert.equal((await lading("untag", image)).code, 0);
    assert.equal((await lading("tags", repository)).out, "latest\n");
    assert.equal((await lading("untag", image)).code, 3);
    // A digest decides; a tag could be another image by now.
    assert.equal((await lading("delete", `${repository}:latest`)).code, 2);
    const deleted = await lading("delete", `${repository}@${digest}`);
    assert.equal(deleted.code, 0, deleted.errors);
    assert.equal((await lading("digest", `${repository}:latest`)).code, 3);
    assert.equal((await lading("untag", `${repository}@${digest}`)).code, 2);
    assert.equal((await lading("tag", "docker-archive:./a.tar", "a")).code, 2);
    assert.equal((await lading("tag", image, "good", "not a tag")).code, 2);
  });
});

test("lading tag gives several tags at once, and none when one of them is no tag", async () => {
  await withRegistry(async (image, _folder, digest) => {
    const repository = image.slice(0, -2);
    assert.equal(done(await lading("tag", image, "1.2", "latest")), `${repository}@${digest}`);
    assert.equal(done(await lading("tags", repository)), "1\n1.2\nlatest");
    assert.equal((await lading("tag", image, "good", "not a tag")).code, 2);
    // As docker tag takes it.
    const whole = await lading("tag", image, `${repository}:other`);
    assert.match(whole.errors, /is no tag; lading copy copies to other repositories$/m);
    assert.equal(done(await lading("tags", repository)), "1\n1.2\nlatest");
  });
});

test("lading tags chooses by patterns, and says what the tags point at", async () => {
  await withRegistry(async (image, folder, digest) => {
    const repository = image.slice(0, -2);
    done(await lading("tag", image, "1.2", "2.0", "2.0-rc", "nightly"));
    const chosen = await lading("tags", repository, "--include", "\\d.*", "--exclude", ".*-rc");
    assert.equal(done(chosen), "1\n1.2\n2.0");
    const shown = await lading("tags", repository, "--include", "2.*", "--digests");
    assert.equal(done(shown), `2.0  ${digest}\n2.0-rc  ${digest}`);
    const json = await lading("tags", repository, "--include", "nightly", "--digests", "--json");
    assert.deepEqual(JSON.parse(done(json)), [{ tag: "nightly", digest }]);
    assert.equal((await lading("tags", repository, "--include", "(")).code, 2);
    for (const place of [`oci:${folder}/layout`, `oci-archive:${folder}/image.tar`]) {
      done(await lading("copy", image, `${place}:kept`));
      assert.equal(done(await lading("tags", place, "--digests")), `kept  ${digest}`);
    }
    assert.equal((await lading("tags", `oci:${folder}/none`)).code, 3);
  });
});

test("lading tags and catalog print references that other commands take", async () => {
  await withRegistry(async (image, folder, digest) => {
    done(await lading("tag", image, "2"));
    const [repository = ""] = image.split(":1");
    done(await lading("sync", repository, `oci:${folder}/layout`));
    for (const place of [repository, `oci:${folder}/layout`]) {
      const full = done(await lading("tags", place, "--full-ref")).split("\n");
      assert.deepEqual(full, [`${place}:1`, `${place}:2`]);
      for (const name of full) assert.equal(done(await lading("digest", name)), digest);
      const rows = done(await lading("tags", place, "--full-ref", "--digests", "--include", "2"));
      assert.equal(rows, `${place}:2  ${digest}`);
    }
    const host = image.slice(0, image.indexOf("/"));
    assert.equal(done(await lading("catalog", host, "--full-ref")), repository);
    assert.deepEqual(JSON.parse(done(await lading("catalog", host, "--full-ref", "--json"))), [
      repository,
    ]);
  });
});

test("lading tag, untag and delete change the names in a layout", async () => {
  await withRegistry(async (image, folder, digest) => {
    const layout = `oci:${folder}/layout`;
    done(await lading("copy", image, `${layout}:1`));
    const tagged = done(await lading("tag", `${layout}:1`, "2", "acme/app:3"));
    assert.equal(tagged, `${layout}@${digest}`);
    assert.equal(done(await lading("tags", layout)), "1\n2\nacme/app:3");
    done(await lading("untag", `${layout}:1`));
    assert.equal((await lading("untag", `${layout}:1`)).code, 3);
    assert.equal((await lading("untag", layout)).code, 2);
    assert.equal((await lading("delete", `${layout}:2`)).code, 2);
    assert.equal(done(await lading("digest", `${layout}@${digest}`)), digest);
    done(await lading("delete", `${layout}@${digest}`));
    assert.equal(done(await lading("tags", layout)), "");
    assert.equal((await lading("tag", `oci:${folder}/none:1`, "2")).code, 3);
  });
});

test("lading delete --referrers takes along what refers to the image", async () => {
  await withRegistry(async (image, folder, digest) => {
    const repository = image.slice(0, -2);
    writeFileSync(join(folder, "note"), "signed");
    const type = ["--artifact-type", "application/vnd.acme.note"];
    const note = done(await lading("attach", image, join(folder, "note"), ...type));
    const about = done(await lading("attach", note, ...type));
    const { errors } = await lading("delete", `${repository}@${digest}`, "--referrers");
    const deleted = [about, note].map((reference) => reference.slice(reference.indexOf("@") + 1));
    assert.deepEqual(errors.trim().split("\n"), [
      ...deleted.map((referrer) => `deleted ${referrer}, which refers to it`),
      `deleted ${digest}`,
    ]);
    for (const gone of [about, note, image]) assert.equal((await lading("digest", gone)).code, 3);
  });
});

test("lading referrers --recursive shows what refers to referrers, as a tree", async () => {
  await withRegistry(async (image, folder) => {
    const attach = async (subject: string, kind: string): Promise<string> => {
      const type = ["--artifact-type", `application/vnd.acme.${kind}`];
      return done(await lading("attach", subject, ...type));
    };
    const sbom = await attach(image, "sbom");
    const signature = await attach(sbom, "signature");
    const note = await attach(image, "note");
    done(await lading("copy", image, `oci:${folder}/layout:1`, "--referrers"));
    const digestOf = (pinned: string): string => pinned.slice(pinned.indexOf("@") + 1);
    for (const place of [image, `oci:${folder}/layout:1`]) {
      const direct = done(await lading("referrers", place)).split("\n");
      assert.deepEqual(
        direct.map((line) => line.slice(0, 71)).sort(),
        [sbom, note].map(digestOf).sort(),
      );
      const lines = (await lading("referrers", place, "--recursive")).out.split("\n");
      const at = lines.findIndex((line) => line.startsWith(digestOf(sbom)));
      assert.ok(lines[at + 1]?.startsWith(`  ${digestOf(signature)}  `), lines.join("\n"));
      assert.match(lines[at + 1] ?? "", /vnd\.acme\.signature$/);
      const only = ["-r", "--artifact-type", "application/vnd.acme.sbom", "--json"];
      const [node, ...others] = JSON.parse(done(await lading("referrers", place, ...only)));
      assert.equal(node.digest, digestOf(sbom));
      assert.equal(node.referrers[0].digest, digestOf(signature));
      assert.deepEqual([node.referrers[0].referrers, others], [[], []]);
    }
  });
});

test("lading copy --digest-tags takes signatures along that lie under a tag of the digest", async () => {
  await withRegistry(async (image, folder, digest) => {
    const repository = image.slice(0, -2);
    const signature = `${repository}:${digest.replace(":", "-")}.sig`;
    const type = ["--artifact-type", "application/vnd.acme.signature"];
    writeFileSync(join(folder, "sig"), "signed");
    const pinned = done(await lading("artifact", "push", signature, join(folder, "sig"), ...type));
    const to = `oci:${folder}/layout`;
    const plan = ["copy", image, `${to}:1`, "--digest-tags", "--dry-run", "--json"];
    const { digestTags } = JSON.parse(done(await lading(...plan)));
    assert.deepEqual(digestTags, [signature.slice(signature.lastIndexOf(":") + 1)]);
    done(await lading("copy", image, `${to}:1`, "--digest-tags"));
    assert.deepEqual(
      done(await lading("tags", to)).split("\n").sort(),
      ["1", ...digestTags].sort(),
    );
    assert.ok(pinned.endsWith(done(await lading("digest", `${to}:${digestTags[0]}`))));
    const converted = await lading("copy", image, `${to}:2`, "--digest-tags", "--format", "docker");
    assert.equal(converted.code, 2);
    assert.match(converted.errors, /--digest-tags does not go with --format/);
  });
});

test("lading referrers asks layouts and archives too, and about one platform", async () => {
  await withRegistry(async (image, folder, digest) => {
    const type = ["--artifact-type", "application/vnd.acme.note"];
    const platform = ["--platform", "linux/arm64"];
    const one = done(await lading("attach", image, ...type, ...platform));
    const note = one.slice(one.indexOf("@") + 1);
    assert.equal(done(await lading("referrers", image)), "");
    assert.ok(done(await lading("referrers", image, ...platform)).startsWith(note));
    for (const place of [`oci:${folder}/layout`, `oci-archive:${folder}/image.tar`]) {
      done(await lading("copy", image, `${place}:1`, "--referrers"));
      const listed = await lading("referrers", `${place}:1`, ...platform);
      assert.ok(done(listed).startsWith(note), place);
      assert.equal(done(await lading("digest", `${place}:1`)), digest);
    }
    const archive = `docker-archive:${folder}/image.tar:1`;
    assert.equal((await lading("referrers", archive)).code, 2);
  });
});

test("lading digest --full-ref pins the reference, also to the image of a platform", async () => {
  await withRegistry(async (image, folder, digest) => {
    const repository = image.slice(0, -2);
    assert.equal(done(await lading("digest", image, "--full-ref")), `${repository}@${digest}`);
    const platform = ["--platform", "linux/arm64"];
    const one = done(await lading("digest", image, ...platform));
    assert.equal(
      done(await lading("digest", image, "--full-ref", ...platform)),
      `${repository}@${one}`,
    );
    const json = done(await lading("validate", image, "--json", ...platform));
    assert.equal(JSON.parse(json).stats.manifests, 1);
    assert.equal(JSON.parse(done(await lading("validate", image, "--json"))).stats.manifests, 3);
    assert.equal((await lading("validate", image, "--platform", "plan9/mips")).code, 3);
    done(await lading("copy", image, `oci:${folder}/layout:1`));
    const layout = `oci:${folder}/layout`;
    assert.equal(done(await lading("digest", `${layout}:1`, "--full-ref")), `${layout}@${digest}`);
  });
});

test("lading copy takes an image by its place in a layout or an archive, which is no name", async () => {
  await withRegistry(async (image, folder) => {
    const only = ["--platform", "linux/amd64"];
    for (
      const from of [`oci:${folder}/from`, `oci-archive:${folder}/a`, `docker-archive:${folder}/b`]
    ) {
      done(await lading("copy", image, `${from}:acme/app:1`, ...only));
      const pinned = done(await lading("digest", `${from}:acme/app:1`));
      assert.equal(done(await lading("digest", `${from}:@0`)), pinned);
      assert.equal((await lading("digest", `${from}:@1`)).code, 3);
      const to = `oci:${folder}/${from.length}`;
      done(await lading("copy", `${from}:@0`, to));
      assert.equal(done(await lading("digest", to)), pinned);
      assert.equal(done(await lading("tags", to)), "");
      assert.equal((await lading("copy", `${from}:@0`, "docker-archive:-:acme/app:2")).code, 0);
      assert.equal((await lading("copy", `${from}:@0`, "oci-archive:-")).code, 0);
    }
  });
});
