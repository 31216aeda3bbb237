import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { LadingError } from "../model/errors.ts";
import { parsePlace } from "../model/place.ts";
import { isRepositoryName } from "../model/reference.ts";
import { nodeFileSystem } from "../runtime/node_file_system.ts";
import { type RunningServer, serve } from "../runtime/serve.ts";
import { fileUploads } from "../server/file_uploads.ts";
import { registryHandler, type RegistryHandlerOptions } from "../server/handler.ts";
import type { RegistryTarget } from "../server/target.ts";
import { memoryStore } from "../store/memory_store.ts";
import { type OCILayout, ociLayout } from "../store/oci_layout.ts";
import { type Command, type CommandContext, flag, text, UsageError } from "./_command.ts";
import { errorText } from "./_error_text.ts";
import { isLoopback, type ListenAddress, parseListen } from "./_listen.ts";

/** What is served, and what has to be tidied up after it. */
interface Served {
  readonly target: RegistryTarget;
  readonly options: RegistryHandlerOptions;
  close(): void;
}

/** Gives the directory that a place names: `oci:DIR`, or a path as it is. */
function directoryOf(text: string): string {
  if (!/^[a-z-]+:/.test(text)) return text;
  const place = parsePlace(text);
  if (place.transport !== "oci" || place.reference !== undefined) {
    throw new UsageError(`lading serve takes a directory or oci:DIR, not ${JSON.stringify(text)}`);
  }
  return place.path;
}

/** Chooses the repository of tags that stand in the layout without one. */
function repositoryOf(context: CommandContext, directory: string): string {
  const wanted = text(context, "repository");
  if (wanted !== undefined && !isRepositoryName(wanted)) {
    throw new UsageError(`--repository takes a repository name, not ${JSON.stringify(wanted)}`);
  }
  const name = basename(resolve(directory)).toLowerCase();
  return wanted ?? (isRepositoryName(name) ? name : "image");
}

async function refuseAbsent(layout: OCILayout, context: CommandContext): Promise<void> {
  for await (const _root of layout.roots({ signal: context.signal })) return;
}

async function open(context: CommandContext): Promise<Served> {
  const [place] = context.args;
  if (place === undefined) {
    return { target: memoryStore(), options: {}, close: () => {} };
  }
  const directory = directoryOf(place);
  const fileSystem = nodeFileSystem();
  const target = ociLayout(fileSystem, directory);
  const defaultRepository = repositoryOf(context, directory);
  if (flag(context, "read-only")) {
    await refuseAbsent(target, context);
    return { target, options: { defaultRepository }, close: () => {} };
  }
  const folder = mkdtempSync(join(tmpdir(), "lading-uploads-"));
  return {
    target,
    options: { defaultRepository, uploads: fileUploads(fileSystem, folder) },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function listen(
  handler: (request: Request) => Promise<Response>,
  address: ListenAddress,
): Promise<RunningServer> {
  try {
    return await serve(handler, address);
  } catch (error) {
    throw new LadingError(
      "CANNOT_LISTEN",
      `Cannot listen on ${address.hostname}, port ${address.port}: ${errorText(error)}`,
      { cause: error },
    );
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** `lading serve [PLACE]`. */
export const serveCommand: Command = {
  name: "serve",
  synopsis: "[PLACE]",
  summary: "serve an OCI layout, or memory, as a registry",
  arity: [0, 1],
  options: {
    listen: {
      type: "string",
      short: "l",
      value: "[HOST:]PORT",
      help: "listen there (default 127.0.0.1:0, any free port)",
    },
    "read-only": { type: "boolean", help: "refuse everything but reading" },
    "no-delete": { type: "boolean", help: "refuse to delete" },
    repository: {
      type: "string",
      value: "NAME",
      help: "serve tags without a repository as this one (default: the directory's name)",
    },
  },
  details:
    "PLACE is a directory or oci:DIR; without it the registry is in memory and starts empty.\n" +
    "The answer is the URL. SIGINT or SIGTERM ends it: requests under way are answered, then the\n" +
    "exit code is 0; a second signal ends it at once. There is no authentication.",
  examples: [
    "lading serve ./alpine --read-only",
    "lading serve --listen 5000    # then: lading copy alpine:3.20 127.0.0.1:5000/alpine:3.20",
  ],
  async run(context) {
    const { output, signal } = context;
    const address = parseListen(text(context, "listen") ?? "0");
    const served = await open(context);
    try {
      const readOnly = flag(context, "read-only");
      const handler = registryHandler(served.target, {
        ...served.options,
        readOnly,
        allowDelete: !flag(context, "no-delete"),
        onError: (error, { method, url }) =>
          output.fail(`${method} ${new URL(url).pathname}: ${errorText(error)}`),
      });
      const server = await listen(handler, address);
      try {
        if (!readOnly && !isLoopback(address.hostname)) {
          output.warn("whoever reaches this address can write; there is no authentication");
        }
        await output.line(server.url);
        await aborted(signal);
      } finally {
        await server.close();
      }
    } finally {
      served.close();
    }
  },
};
