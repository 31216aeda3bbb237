#!/usr/bin/env node
// The command as npm installs it: bundled into few files, and compiled once for all runs, since
// starting is half the time of a small pull.
import module from "node:module";

const { enableCompileCache } = module as { readonly enableCompileCache?: () => unknown };
enableCompileCache?.();
const { runProgram } = await import("./main.ts");
await runProgram();
