import { letGo } from "../bytes/source.ts";
import { streamOf } from "../bytes/stream_from.ts";
import { decompress } from "../compress/decompress.ts";
import type { ByteStream } from "../model/bytes.ts";
import { writeTar } from "../tar/writer.ts";
import { archiveInputs, listedInputs } from "./_layer_inputs.ts";
import { changeNothing, layerRules } from "./_layer_rules.ts";
import type { LayerEntries, LayerSource } from "./layer_source.ts";
import type { LayerOptions } from "./layer_options.ts";
import { type LayerRecipe, newLayer } from "./_new_layer.ts";
import type { NewLayer } from "./new_layer.ts";
import { peekCompression } from "./_peek_compression.ts";
import { startsAsTar } from "./_starts_as_tar.ts";

/**
 * Makes a layer of tar entries or of a tar archive. The same input gives the same bytes on every
 * runtime and every day: entries are sorted, belong to 0:0 and have the time 0 unless options say
 * otherwise, an archive keeps its order, and gzip has a fixed header.
 *
 * The source is read through once here, to know digest, diffID and size, and again each time the
 * layer is read, as by a push: then it has to give the same, or the stream errors with
 * {@linkcode DigestMismatchError}. With a `spool` it is read once. Memory grows with the number of
 * entries, of an archive it is fixed; contents are never held.
 *
 * An archive that no option changes stays as it is, byte for byte, and but for its first header it is
 * not looked into; one without compression is compressed. Names of whiteouts (`.wh.name`) are left as
 * they are: they delete.
 *
 * @param source The entries or the archive, or a function that gives them.
 * @param options Where the entries go, whom they belong to, how the layer is stored.
 * @returns The layer.
 * @throws {TypeError} when the source can be read once only and there is no spool.
 * @throws {RangeError} when an option is out of its range, or an entry cannot be written or is
 * there twice.
 * @throws {UnsafePathError} when a name leads out of the root.
 * @throws {InvalidTarError} when the archive is none, or an option has it rewritten and it is
 * damaged.
 *
 * @example A layer of one file
 * ```ts
 * import { layerFrom } from "@lading/lading/image";
 *
 * const layer = await layerFrom([{ path: "main.js", body: "console.log('hello');\n" }], { prefix: "/app" });
 * for await (const entry of layer.entries()) console.log(entry.path); // app/ and app/main.js
 * ```
 */
export async function layerFrom(
  source: LayerSource,
  options: LayerOptions = {},
): Promise<NewLayer> {
  const { signal, spool } = options;
  try {
    signal?.throwIfAborted();
    if (spool === undefined && !isReplayable(source)) {
      throw new TypeError(
        "Cannot make a layer of a source that can be read once only: " +
          "give a function that opens it, or a spool",
      );
    }
    return await newLayer(await recipeFor(source, options), { spool, signal });
  } catch (error) {
    await letGo(source, error);
    throw error;
  }
}

async function recipeFor(source: LayerSource, options: LayerOptions): Promise<LayerRecipe> {
  const { compression = "gzip", level } = options;
  // Wrong options are told before anything is opened.
  const rules = { list: layerRules(options, "reset"), archive: layerRules(options, "keep") };
  const first = await open(source);
  if (!(first instanceof ReadableStream)) {
    return {
      storing: compression,
      compression,
      level,
      ...reopening(source, first, (entries) => {
        if (entries instanceof ReadableStream) throw changedKind();
        return writeTar(listedInputs(entries, rules.list));
      }),
    };
  }
  const { compression: detected, whole } = await peekCompression(first);
  const isKept = changeNothing(rules.archive) && (options.compression ?? detected) === detected;
  if (isKept && (detected === "gzip" || detected === "zstd")) {
    return {
      storing: "as-is",
      compression: detected,
      ...reopening(source, whole, archive),
    };
  }
  return {
    storing: compression,
    compression,
    level,
    ...reopening(source, whole, (stream) => {
      const plain = startsAsTar(decompress(archive(stream)));
      if (changeNothing(rules.archive)) return plain;
      return writeTar(archiveInputs(plain, rules.archive));
    }),
  };
}

type Opened = ByteStream | LayerEntries;

/** What was opened to look at is used first; then the source is opened anew. */
function reopening(
  source: LayerSource,
  first: Opened,
  make: (opened: Opened) => ByteStream,
): Pick<LayerRecipe, "open" | "discard"> {
  let next: Opened | undefined = first;
  return {
    async open() {
      const opened = next ?? await open(source);
      next = undefined;
      return make(opened);
    },
    discard: (reason) => letGo(next, reason),
  };
}

async function open(source: LayerSource): Promise<Opened> {
  if (typeof source === "function") return await source();
  return source instanceof Uint8Array ? streamOf(source) : source;
}

function isReplayable(source: LayerSource): boolean {
  if (typeof source === "function" || source instanceof Uint8Array) return true;
  return Array.isArray(source) && !source.some(({ body }) => body instanceof ReadableStream);
}

function archive(opened: Opened): ByteStream {
  if (opened instanceof ReadableStream) return opened;
  throw changedKind();
}

function changedKind(): TypeError {
  return new TypeError(
    "Cannot read the layer again: its source gives an archive now, and entries then",
  );
}
