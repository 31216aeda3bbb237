// What do streams, promises and objects cost? What users call, beside the kernel alone. No peer runs
// in this process: an extraction would pay for the garbage that others have left.
import { ask } from "./_bench.ts";
import { publicPasses } from "./_own_passes.ts";

ask({ api: (layer) => Promise.resolve(publicPasses(layer)) });
