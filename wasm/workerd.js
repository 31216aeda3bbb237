// The kernel for edge workers. Workers of today compile the embedded bytes while they start; those
// with a compatibility date before 2025-06-01 may not, and take the module that their bundler makes
// of kernel.wasm. Where neither works the plain kernel takes over.
import inline from "./inline.js";

let core = inline;
if (core === undefined) {
  try {
    core = (await import("./kernel.wasm")).default;
  } catch {
    core = undefined;
  }
}

export default core instanceof WebAssembly.Module ? core : undefined;
