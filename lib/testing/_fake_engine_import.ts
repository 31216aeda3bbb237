import { readAll } from "../bytes/read_all.ts";
import { streamOf } from "../bytes/stream_from.ts";
import { decompress } from "../compress/decompress.ts";
import { digestBytes } from "../hash/digest_bytes.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { Platform } from "../model/platform.ts";
import { readTar } from "../tar/reader.ts";
import { MAX_ARCHIVE_BYTES } from "./_fake_engine_archive.ts";
import { applyChanges } from "./_fake_engine_change.ts";
import { type FakeImages, plainLayer } from "./_fake_engine_images.ts";
import { parseName, withTag } from "./_fake_engine_names.ts";
import { Refusal } from "./_fake_engine_refusal.ts";
import type { Messages } from "./_fake_engine_reply.ts";

/** An import that was asked for. */
export interface Import {
  readonly query: URLSearchParams;
  readonly body: ByteStream;
  readonly platform: Platform;
  readonly now: Date;
  /** Downloads what a URL names. */
  readonly download: (url: URL) => Promise<ByteStream>;
}

/** Makes an image of one layer of the archive of a file tree. */
export async function* importImage(images: FakeImages, request: Import): Messages {
  const { query, platform, now } = request;
  const source = query.get("fromSrc") ?? "";
  const repository = query.get("repo") ?? "";
  const given = repository === "" ? undefined : parseName(repository, 400);
  const tag = query.get("tag") ?? "";
  const name = given !== undefined && tag !== "" ? withTag(given, tag, 400) : given;
  const config = applyChanges(query.getAll("changes"));
  if (source !== "-") yield { status: `Downloading from ${source}` };
  const body = source === "-" ? request.body : await request.download(urlOf(source));
  const tar = await readAll(decompress(body), { maxBytes: MAX_ARCHIVE_BYTES, what: "the archive" });
  try {
    for await (const _ of readTar(streamOf(tar))) continue;
  } catch {
    throw new Refusal(500, "ApplyLayer exit status 1 stdout:  stderr: unexpected EOF");
  }
  const comment = query.get("message") || `Imported from ${source}`;
  const created = now.toISOString();
  const document = {
    architecture: platform.architecture,
    comment,
    config,
    container_config: {},
    created,
    docker_version: "20.10.24+dfsg1",
    history: [{ created, comment }],
    os: platform.os,
    rootfs: { type: "layers", diff_ids: [digestBytes("sha256", tar)] },
  };
  const raw = new TextEncoder().encode(JSON.stringify(document));
  const id = await images.add(raw, [plainLayer(tar)]);
  if (name !== undefined) await images.tag(id, name, now);
  yield { status: id };
}

function urlOf(text: string): URL {
  const full = text.includes("://") ? text : `http://${text}`;
  if (URL.canParse(full)) return new URL(full);
  throw new Refusal(500, `Get "${full}": http: no Host in request URL`);
}
