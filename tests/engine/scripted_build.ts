import {
  inspected,
  json,
  messages,
  scripted,
  type ScriptedEngine,
  type ScriptedOptions,
} from "./scripted.ts";

/** The ID of what is built. */
export const ID: string = `sha256:${"5f".repeat(32)}`;
/** A context of a Dockerfile alone. */
export const DOCKERFILE: { readonly dockerfile: string } = {
  dockerfile: "FROM scratch\nLABEL a=b\n",
};

/** What a classic builder says when all goes well. */
export function built(): Response {
  return messages(
    { stream: "Step 1/2 : FROM scratch" },
    { stream: "\n" },
    { aux: { ID } },
    { stream: `Successfully built ${ID.slice(7, 19)}\n` },
    { stream: "Successfully tagged app:1\n" },
  );
}

/** An engine whose builds give `make()`, and that knows every image by the ID it is asked for. */
export function building(
  make: () => Response | Promise<Response> = built,
  options?: ScriptedOptions,
): ScriptedEngine {
  return scripted(({ method, path }) => {
    if (method === "POST") return make();
    const [, id] = /^\/images\/(.*)\/json$/.exec(path) ?? [];
    return id === undefined ? undefined : json(inspected({ Id: id }));
  }, options);
}
