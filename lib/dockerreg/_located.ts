import { spanOf } from "../bytes/span.ts";
import { streamOf } from "../bytes/stream_from.ts";
import type { Source } from "../model/content.ts";
import type { OpenImage } from "./_backend.ts";

/** An image as a source that has this one, by whatever reference. */
export function sourceOf({ source, descriptor, raw }: OpenImage): Source {
  const { digest } = descriptor;
  return {
    async exists(target, options) {
      return target.digest === digest || await source.exists(target, options);
    },
    async fetch(target, options = {}) {
      if (raw === undefined || target.digest !== digest) return await source.fetch(target, options);
      const { start, end } = spanOf(options.range, raw.byteLength);
      return streamOf(raw.slice(start, end));
    },
    resolve: () => Promise.resolve(descriptor),
  };
}
