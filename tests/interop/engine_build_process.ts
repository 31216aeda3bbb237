// Builds a directory on an engine, and tells the most memory that the process took, in MiB; without a
// directory it only asks the engine for its version.
import process from "node:process";
import { Engine } from "../../lib/runtime/engine.ts";
import { processMemory } from "../support/process_memory.ts";

const [host = "", directory] = process.argv.slice(2);
await using engine = await Engine.connect({ host });
await engine.apiVersion();
if (directory !== undefined) {
  const build = engine.images.build(directory, { tags: "large:1" });
  for await (const _ of build);
  await build;
}
// What getrusage() tells as the most is inherited from the process that started this one.
console.log(Math.round(processMemory(process.pid).most));
