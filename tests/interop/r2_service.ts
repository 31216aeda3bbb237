// A worker that answers workerd's R2 binding, out of a bucket in memory. What the binding sends is in
// workerd's own source: src/workerd/api/r2-api.capnp (the JSON) and r2-rpc.c++ (where it stands).
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import type { BucketObject } from "../../lib/store/mod.ts";
import { MemoryBucket } from "../support/memory_bucket.ts";

interface Call {
  readonly method: "head" | "get" | "put" | "list" | "delete";
  readonly object?: string;
  readonly objects?: readonly string[];
  readonly range?: { readonly offset?: string; readonly length?: string };
  readonly sha256?: string;
  readonly sha512?: string;
  readonly customFields?: readonly { readonly k: string; readonly v: string }[];
  readonly httpFields?: { readonly contentType?: string };
  readonly onlyIf?: {
    readonly etagMatches?: readonly { readonly value: string }[];
    readonly etagDoesNotMatch?: readonly { readonly type: string }[];
  };
  readonly prefix?: string;
  readonly cursor?: string;
  readonly include?: readonly number[];
}

/** `include` of a list: the custom metadata. */
const CUSTOM = 1;

const bucket = new MemoryBucket({ pageSize: 5 });

function headOf(object: BucketObject): Record<string, unknown> {
  const { key, size, etag, uploaded, httpMetadata, customMetadata } = object;
  return {
    name: key,
    version: "1",
    size: String(size),
    etag,
    uploaded: String(uploaded.getTime()),
    storageClass: "Standard",
    ...(httpMetadata === undefined ? {} : { httpFields: httpMetadata }),
    ...(customMetadata === undefined
      ? {}
      : { customFields: Object.entries(customMetadata).map(([k, v]) => ({ k, v })) }),
  };
}

function failed(status: number, v4code: number, message: string): Response {
  const error = JSON.stringify({ version: 0, v4code, message });
  return new Response(null, { status, headers: { "cf-r2-error": error } });
}

/** Metadata goes before the content, and its length into a header field. */
function answer(metadata: unknown, body?: ByteStream): Response {
  const head = new TextEncoder().encode(JSON.stringify(metadata)) as Bytes;
  const { readable, writable } = new TransformStream<Bytes, Bytes>();
  const writer = writable.getWriter();
  void (async () => {
    await writer.write(head);
    writer.releaseLock();
    if (body === undefined) await writable.close();
    else await body.pipeTo(writable);
  })().catch(() => {});
  return new Response(readable, { headers: { "cf-r2-metadata-size": String(head.byteLength) } });
}

async function read(call: Call): Promise<Response> {
  const { method, object = "", range, prefix = "", cursor, include = [] } = call;
  if (method === "list") {
    const page = await bucket.list({
      prefix,
      ...(cursor === undefined ? {} : { cursor }),
      ...(include.includes(CUSTOM) ? { include: ["customMetadata"] } : {}),
    });
    return answer({ ...page, objects: page.objects.map(headOf), delimitedPrefixes: [] });
  }
  if (method === "head") {
    const found = await bucket.head(object);
    return found === null ? failed(404, 10007, "no such object") : answer(headOf(found));
  }
  const found = await bucket.get(
    object,
    range === undefined
      ? {}
      : { range: { offset: Number(range.offset ?? 0), length: Number(range.length) } },
  );
  return found === null ? failed(404, 10007, "no such object") : answer(headOf(found), found.body);
}

async function write(call: Call, body: ByteStream): Promise<Response> {
  const { method, object = "", objects = [object], sha256, sha512, onlyIf } = call;
  if (method === "delete") {
    await body.cancel();
    await bucket.delete([...objects]);
    return Response.json({});
  }
  const [etag] = onlyIf?.etagMatches ?? [];
  const isNew = onlyIf?.etagDoesNotMatch?.[0]?.type === "wildcard";
  const stored = await bucket.put(object, body, {
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(sha512 === undefined ? {} : { sha512 }),
    ...(etag === undefined ? {} : { onlyIf: { etagMatches: etag.value } }),
    ...(isNew ? { onlyIf: { etagDoesNotMatch: "*" } } : {}),
    httpMetadata: { contentType: call.httpFields?.contentType ?? "" },
    customMetadata: Object.fromEntries((call.customFields ?? []).map(({ k, v }) => [k, v])),
  });
  return stored === null
    ? failed(412, 10031, "a condition does not hold")
    : Response.json(headOf(stored));
}

/** Takes the metadata off the beginning of a body. */
async function takeMetadata(body: ByteStream, size: number): Promise<[Call, ByteStream]> {
  const reader = body.getReader();
  let taken: Bytes = new Uint8Array(0);
  while (taken.byteLength < size) {
    const { done, value } = await reader.read();
    if (done) throw new Error("the metadata is cut off");
    const joined = new Uint8Array(taken.byteLength + value.byteLength);
    joined.set(taken);
    joined.set(value, taken.byteLength);
    taken = joined;
  }
  let first: Bytes | undefined = taken.slice(size);
  const rest: ByteStream = new ReadableStream<Bytes>({
    async pull(controller) {
      const chunk = first ?? (await reader.read()).value;
      first = undefined;
      if (chunk === undefined) return controller.close();
      if (chunk.byteLength > 0) return controller.enqueue(chunk);
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  return [JSON.parse(new TextDecoder().decode(taken.subarray(0, size))) as Call, rest];
}

export default {
  async fetch(request: Request): Promise<Response> {
    try {
      // Not of the binding: what a test asks to see.
      if (new URL(request.url).pathname === "/keys") return Response.json(bucket.keys());
      const call = request.headers.get("cf-r2-request");
      if (call !== null) return await read(JSON.parse(call) as Call);
      const size = Number(request.headers.get("cf-r2-metadata-size"));
      return await write(...await takeMetadata(request.body as ByteStream, size));
    } catch (error) {
      return failed(400, 10037, error instanceof Error ? error.message : String(error));
    }
  },
};
