// How fast is one pass over a layer through what users call? Beside the stacks that are there: each
// gives both digests and hands the bytes of every file to its caller.
import { ask } from "./_bench.ts";
import { ownPasses } from "./_own_passes.ts";
import { peerPasses } from "./_peer_passes.ts";

ask({ pass: (layer) => Promise.resolve([...ownPasses(layer), ...peerPasses(layer)]) });
