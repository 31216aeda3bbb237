/** F17, F18 and F19: uploads that are taken in part, forgotten, or answered to nobody. */
import { test } from "node:test";
import assert from "node:assert/strict";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import { UploadError } from "../../lib/model/errors.ts";
import type { UploadOptions } from "../../lib/registry/mod.ts";
import type { WireRule } from "../support/fault_proxy.ts";
import { type Bench, describe, failure, NAME, noise, withBench } from "./bench.ts";

const MIB = 1024 * 1024;
const CHUNK = MIB;
const CONTENT = noise(5 * MIB + 12_345, 11);
const BLOB = describe(CONTENT);
const OFFSETS = [1, 65_537, CHUNK - 1];

const PATCH = /^PATCH \/v2\/acme\/app\/blobs\/uploads\//;
const PUT = /^PUT \/v2\/acme\/app\/blobs\/uploads\//;
const UPLOAD = /blobs\/uploads/;

/** A source that counts how often it is opened. */
function counted(): { open(): ByteStream; opened: number } {
  const source = {
    opened: 0,
    open(): ByteStream {
      source.opened++;
      let at = 0;
      return new ReadableStream<Bytes>({
        pull(controller) {
          if (at >= CONTENT.byteLength) return controller.close();
          controller.enqueue(CONTENT.slice(at, at += 50_000));
        },
      }, { highWaterMark: 0 });
    },
  };
  return source;
}

/** The three ways in which a blob is sent. */
const WAYS: Readonly<Record<string, UploadOptions>> = {
  "in chunks": { chunkBytes: CHUNK },
  "in one streamed PATCH": { chunkBytes: Infinity },
  "in one PUT": {},
};

function bytesIn({ sent }: Bench): number {
  return ["PATCH", "PUT"].flatMap((method) => sent(method, UPLOAD))
    .reduce((sum, exchange) => sum + exchange.bytesIn, 0);
}

/** Pushes the blob; the registry has it in the end, and nothing that was no upload was sent. */
async function pushed(bench: Bench, upload: UploadOptions): Promise<number> {
  const source = counted();
  await bench.clock.measure(() => bench.repository.push(BLOB, source.open, { upload }));
  await assertStored(bench);
  return source.opened;
}

async function assertStored({ store, clock }: Bench): Promise<void> {
  assert.ok(await store.exists(BLOB), "the registry does not have the blob");
  assert.equal(clock.pending, 0, "timers are left");
}

for (const status of [202, 416] as const) {
  test(`F17: a chunk that is taken in part (${status}) is continued behind that`, async () => {
    for (const bytes of OFFSETS) {
      for (const nth of [1, 2, 5]) {
        const wire: WireRule[] = [{ on: PATCH, nth, fault: { kind: "take-part", bytes, status } }];
        await withBench({ wire }, async (bench) => {
          const opened = await pushed(bench, { chunkBytes: CHUNK });
          const what = `${bytes} bytes of chunk ${nth}`;
          // "0-0" is what many registries say of no byte at all: then nothing counts as taken.
          // And a first chunk that is refused with 416 is taken for one of a registry without chunks.
          const most = nth === 1 && (bytes === 1 || status === 416) ? 2 : 1;
          assert.ok(opened <= most, what);
          assert.ok(bench.sent("POST").length <= most, what);
          const again = bytesIn(bench) - CONTENT.byteLength;
          assert.ok(again > 0 && again <= CHUNK, `${what}: ${again} bytes were sent twice`);
        });
      }
    }
  });
}

test("F17: a chunk whose connection breaks is continued where the registry stands", async () => {
  for (const after of OFFSETS) {
    const wire: WireRule[] = [{ on: PATCH, nth: 2, fault: { kind: "cut-request", after } }];
    await withBench({ wire }, async (bench) => {
      assert.equal(await pushed(bench, { chunkBytes: CHUNK }), 1);
      assert.equal(bench.sent("POST").length, 1);
      const again = bytesIn(bench) - CONTENT.byteLength;
      assert.ok(again <= CHUNK, `${again} bytes were sent twice after ${after}`);
    });
  }
});

for (const [way, upload] of Object.entries(WAYS)) {
  test(`F17: an upload ${way} whose connection breaks goes on, and sends no more than it lost`, async () => {
    for (const after of [1, MIB + 1, CONTENT.byteLength - 1]) {
      const wire: WireRule[] = [
        {
          on: upload.chunkBytes === undefined ? PUT : PATCH,
          nth: 1,
          fault: { kind: "cut-request", after },
        },
      ];
      await withBench({ wire }, async (bench) => {
        const opened = await pushed(bench, upload);
        assert.ok(opened <= 2, `opened ${opened} times`);
        assert.ok(bytesIn(bench) <= 2 * CONTENT.byteLength, `${bytesIn(bench)} bytes`);
      });
    }
  });

  test(`F18: a session that the registry forgets ${way} is opened anew; the blob is sent again once`, async () => {
    for (const status of [404, 500]) {
      for (const method of ["PATCH", "PUT"]) {
        if (method === "PATCH" && upload.chunkBytes === undefined) continue;
        const lost = {
          kind: "status",
          status,
          headers: { "content-type": "application/json" },
          body: '{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN","message":"canary"}]}',
        } as const;
        const answers = [
          {
            method,
            path: UPLOAD,
            nth: upload.chunkBytes === CHUNK && method === "PATCH" ? 3 : 1,
            fault: lost,
          },
          { method: "GET", path: UPLOAD, fault: { ...lost, status: 404 } },
        ];
        await withBench({ answers }, async (bench) => {
          const opened = await pushed(bench, upload);
          const what = `${status} on ${method}`;
          assert.equal(opened, 2, what);
          assert.equal(bench.sent("POST").length, 2, what);
          assert.ok(bytesIn(bench) <= 2 * CONTENT.byteLength, `${what}: ${bytesIn(bench)} bytes`);
        });
      }
    }
  });

  test(`F18: a registry that forgets every session ${way} is given up, and says how far it came`, async () => {
    const lost = {
      kind: "status",
      status: 404,
      headers: { "content-type": "application/json" },
      body: '{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}',
    } as const;
    const answers = ["PATCH", "PUT", "GET"].map((method) => ({
      method,
      path: UPLOAD,
      fault: lost,
    }));
    await withBench({ answers }, async (bench) => {
      const { result } = await bench.clock.measure(() =>
        failure(bench.repository.push(BLOB, counted().open, { upload }))
      );
      assert.ok(result instanceof UploadError, String(result));
      assert.ok(bench.sent("POST").length <= 5, `${bench.sent("POST").length} sessions`);
      assert.equal(await bench.store.exists(BLOB), false);
    });
  });

  test(`F19: a PUT ${way} whose answer is lost is not sent again: HEAD finds the blob`, async () => {
    const wire: WireRule[] = [{ on: PUT, fault: { kind: "drop" } }];
    await withBench({ wire }, async (bench) => {
      assert.equal(await pushed(bench, upload), 1);
      assert.equal(bench.sent("PUT").length, 1);
      assert.equal(bench.sent("POST").length, 1);
      assert.ok(bench.sent("HEAD").length >= 1);
      assert.equal(bytesIn(bench), CONTENT.byteLength);
    });
  });
}

test("F18: a stream that can be read once is not sent twice; the error says what to do", async () => {
  const lost = { kind: "status", status: 404, body: "{}" } as const;
  const answers = [
    { method: "PATCH", path: UPLOAD, nth: 2, fault: lost },
    { method: "GET", path: UPLOAD, fault: lost },
  ];
  await withBench({ answers }, async (bench) => {
    const { result } = await bench.clock.measure(() =>
      failure(bench.repository.push(BLOB, counted().open(), { upload: { chunkBytes: CHUNK } }))
    );
    assert.ok(result instanceof UploadError, String(result));
    assert.equal(bench.sent("POST").length, 1);
    assert.equal(await bench.store.exists(BLOB), false);
  });
});

test("F19: a manifest whose answer is lost is there once, under its tag", async () => {
  const wire: WireRule[] = [{ on: /^PUT .*\/manifests\//, nth: 1, fault: { kind: "drop" } }];
  await withBench({ wire }, async (bench) => {
    const mediaType = "application/vnd.oci.image.index.v1+json";
    const raw = new TextEncoder().encode(
      JSON.stringify({ schemaVersion: 2, mediaType, manifests: [] }),
    );
    const manifest = describe(raw, mediaType);
    await bench.clock.measure(async () => {
      await bench.repository.push(manifest, raw);
      await bench.repository.tag(manifest, "1");
    });
    assert.equal((await bench.store.resolve(`${NAME}:1`)).digest, manifest.digest);
    assert.ok(bench.sent("PUT").length <= 3, `${bench.sent("PUT").length} requests`);
  });
});
