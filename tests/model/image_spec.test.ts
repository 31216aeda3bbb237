import { test } from "node:test";
import assert from "node:assert/strict";
import { configPlatform } from "../../lib/model/parse_image_config.ts";
import {
  InvalidConfigError,
  LadingError,
  parseImageConfig,
  parseImageIndex,
  parseImageManifest,
  type SpecDocument,
  specProblems,
} from "../../lib/model/mod.ts";
import { corpusJSON } from "../support/corpus.ts";

interface Row {
  json: string;
  valid: boolean;
  reason?: string;
}

type Section =
  | "config"
  | "descriptor"
  | "imageIndex"
  | "imageLayout"
  | "manifest"
  | "backCompatConfig";

const SECTIONS: Readonly<Record<Section, SpecDocument>> = {
  config: "config",
  backCompatConfig: "config",
  descriptor: "descriptor",
  imageIndex: "index",
  imageLayout: "layout",
  manifest: "manifest",
};

const TABLE = "tables/image-spec-json.json";

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
}

const BASE = {
  architecture: "amd64",
  os: "linux",
  rootfs: { type: "layers", diff_ids: [`sha256:${"a".repeat(64)}`] },
};

test("specProblems() finds fault with the documents that the image-spec calls invalid", async () => {
  const table = await corpusJSON<Record<Section, Row[]>>(TABLE);
  let count = 0;
  for (const [section, document] of Object.entries(SECTIONS) as [Section, SpecDocument][]) {
    for (const [index, row] of table[section].entries()) {
      const problems = specProblems(document, encode(row.json));
      assert.equal(problems.length === 0, row.valid, `${section} ${index}: ${problems.join("; ")}`);
      count++;
    }
  }
  assert.equal(count, 69);
});

test("the parsers take every valid document, and refuse the invalid ones but for five", async () => {
  const table = await corpusJSON<Record<Section, Row[]>>(TABLE);
  const parsers = {
    config: parseImageConfig,
    backCompatConfig: parseImageConfig,
    imageIndex: parseImageIndex,
    manifest: parseImageManifest,
  };
  // Other tools write these: a variable without a value, no layers, types that are no RFC 6838.
  const tolerated = ["config 9", "imageIndex 0", "imageIndex 4", "manifest 0", "manifest 5"];
  const taken: string[] = [];
  for (
    const [section, parse] of Object.entries(parsers) as [
      keyof typeof parsers,
      typeof parseImageConfig,
    ][]
  ) {
    for (const [index, row] of table[section].entries()) {
      try {
        parse(encode(row.json));
        if (!row.valid) taken.push(`${section} ${index}`);
      } catch (error) {
        assert.ok(error instanceof LadingError && !row.valid, `${section} ${index}: ${error}`);
      }
    }
  }
  assert.deepEqual(taken.sort(), tolerated);
});

test("specProblems() names every problem and its place", () => {
  const config = {
    ...BASE,
    created: "yesterday",
    config: { Env: ["A", "B=1", "=C"] },
    history: [{ created: "2024-01-01T00:00:00Z" }, {}, { empty_layer: true }],
  };
  assert.deepEqual(specProblems("config", encode(config)), [
    'config.Env: "A" has no value',
    'config.Env: "=C" has no value',
    'created: "yesterday" is no date and time (RFC 3339)',
  ]);
  const descriptor = {
    mediaType: "text/plain",
    digest: `sha256:${"a".repeat(64)}`,
    size: 2,
    data: "e30=",
    urls: ["https://example.com/a", "no uri"],
  };
  assert.equal(specProblems("descriptor", encode(descriptor)).length, 1);
  assert.equal(specProblems("descriptor", encode({ ...descriptor, size: 3 })).length, 2);
  const manifest = {
    schemaVersion: 2,
    config: { ...descriptor, mediaType: "application/vnd.oci.empty.v1+json" },
    layers: [],
  };
  assert.equal(specProblems("manifest", encode(manifest)).length, 3);
});

test("parseImageConfig() keeps bytes, unknown fields and labels of any name", () => {
  const labels = '{"__proto__":"a","constructor":"b","toString":"c","hasOwnProperty":"d"}';
  const text = `{"os":"linux","architecture":"amd64","rootfs":${
    JSON.stringify(BASE.rootfs)
  },"config":{"Labels":${labels},"Volumes":{"__proto__":{}},"Cmd":null,"x":1},"container":null}`;
  const { raw, value } = parseImageConfig(encode(text));
  assert.equal(new TextDecoder().decode(raw), text);
  const map = value.config?.Labels ?? {};
  assert.equal(JSON.stringify(map), labels);
  assert.equal(JSON.stringify({ ...map }), labels);
  assert.equal(map["__proto__"], "a");
  assert.equal(map["valueOf"], undefined);
  assert.equal(({} as Record<string, unknown>)["a"], undefined);
  assert.deepEqual(Object.keys(value.config?.Volumes ?? {}), ["__proto__"]);
  assert.equal(value.config !== undefined && "Cmd" in value.config, false);
  assert.equal(JSON.stringify(value).includes('"x":1'), true);
  assert.equal(JSON.stringify(value).includes('"container":null'), true);
});

test("configPlatform() reads the platform, and nothing else", () => {
  const platform = {
    architecture: "arm",
    os: "linux",
    variant: "v7",
    "os.version": "1",
    "os.features": ["a"],
  };
  assert.deepEqual(configPlatform(encode({ ...platform, rootfs: 1, "__proto__x": 1 })), platform);
  const bare = '{"os":"linux","architecture":"amd64","variant":null,"__proto__":{"variant":"v9"}}';
  assert.deepEqual(configPlatform(encode(bare)), { os: "linux", architecture: "amd64" });
  assert.equal(configPlatform(encode(bare)).variant, undefined);
  const wrong = ["[]", "{", '{"os":"linux"}', '{"os":"a","architecture":1}', '{"os":"a","os":"b"}'];
  for (const text of wrong) {
    assert.throws(() => configPlatform(encode(text)), InvalidConfigError, text);
  }
});
