import { LadingError } from "../model/errors.ts";
import type { Transport } from "../model/transport.ts";
import { serve } from "../runtime/serve.ts";
import type { RunningServer } from "../runtime/running_server.ts";
import { registryHandler } from "../server/handler.ts";
import { type Command, type CommandContext, flag, text } from "./_command.ts";
import { errorText } from "./_error_text.ts";
import { isLoopback, type ListenAddress, parseListen } from "./_listen.ts";
import { openMirror, refuseMirrorOptions } from "./_upstream.ts";
import { REGISTRY_OPTION } from "./_options.ts";
import { openServed } from "./_served.ts";

async function listen(
  handler: Transport,
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

/** Serves until it is told to end; the warning is for an address that others reach. */
async function serveUntilEnd(
  { output, signal }: CommandContext,
  handler: Transport,
  address: ListenAddress,
  warning: string | undefined,
): Promise<void> {
  const server = await listen(handler, address);
  try {
    if (warning !== undefined && !isLoopback(address.hostname)) output.warn(warning);
    await output.line(server.url);
    await aborted(signal);
  } finally {
    await server.close();
  }
}

/** `lading serve [PLACE]`. */
export const serveCommand: Command = {
  name: "serve",
  synopsis: "[PLACE]",
  summary: "serve an OCI layout, or memory, as a registry or a mirror",
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
    "allow-sparse": {
      type: "boolean",
      help: "take manifests whose blobs or children are not there",
    },
    repository: {
      type: "string",
      value: "NAME",
      help: "serve tags without a repository as this one (default: the directory's name)",
    },
    upstream: {
      type: "string",
      value: "REGISTRY[/PREFIX]",
      help: "be a mirror of it that only reads, and keeps what was pulled in PLACE",
    },
    memory: {
      type: "string",
      value: "SIZE",
      help: "hold so much in memory, where the mirror has no PLACE (default 1GiB)",
    },
    ...REGISTRY_OPTION,
  },
  details:
    "PLACE is a directory or oci:DIR; without it the registry is in memory and starts empty.\n" +
    "With --upstream it is a pull-through mirror: PLACE is its cache, which serves without it too.\n" +
    "Tags are asked for there each time, and come from the cache while it cannot be reached. Without\n" +
    "PLACE, what was read longest ago makes room in memory for what comes; a blob larger than that is\n" +
    "not kept. The options for registries say how the upstream is reached.\n" +
    "The answer is the URL. SIGINT or SIGTERM ends it: requests under way are answered, then the\n" +
    "exit code is 0; a second signal ends it at once. There is no authentication.",
  examples: [
    "lading serve ./alpine --read-only",
    "lading serve --listen 5000    # then: lading copy alpine:3.20 127.0.0.1:5000/alpine:3.20",
    "lading serve ./cache --upstream docker.io --listen 5000    # for dockerd's registry-mirrors",
  ],
  async run(context) {
    const { output } = context;
    const address = parseListen(text(context, "listen") ?? "0");
    const upstream = text(context, "upstream");
    if (upstream !== undefined) {
      const mirror = await openMirror(context, upstream);
      const warning = "whoever reaches this address reads what this machine may read upstream";
      await serveUntilEnd(
        context,
        mirror.handler,
        address,
        `${warning}; there is no authentication`,
      );
      return await mirror.settled();
    }
    refuseMirrorOptions(context);
    const served = await openServed(context);
    try {
      const readOnly = flag(context, "read-only");
      const handler = registryHandler(served.target, {
        ...served.options,
        readOnly,
        allowDelete: !flag(context, "no-delete"),
        allowSparse: flag(context, "allow-sparse"),
        onError: (error, { method, url }) =>
          output.fail(`${method} ${new URL(url).pathname}: ${errorText(error)}`),
      });
      const warning = "whoever reaches this address can write; there is no authentication";
      await serveUntilEnd(context, handler, address, readOnly ? undefined : warning);
    } finally {
      served.close();
    }
  },
};
