import type { ContainerConfig, ImageConfig } from "../model/image_config.ts";
import { editEnv, editPairs } from "./_edit_pairs.ts";
import type { ContainerConfigEdit, MutateOptions } from "./mutate_options.ts";
import { editTime, formatTime } from "./_time.ts";

/** Tells whether options change the config of an image. */
export function editsConfig(options: MutateOptions): boolean {
  const { annotations: _annotations, base: _base, mediaTypes: _types, ...rest } = options;
  return Object.values(rest).some((value) => value !== undefined);
}

/** Edits the config of an image, but for its layers. */
export function editConfig(config: ImageConfig, options: MutateOptions): ImageConfig {
  const { platform, author, created, timestamps } = options;
  const time = timestamps === undefined ? undefined : editTime(config.created, timestamps);
  const { variant: _variant, "os.version": _version, "os.features": _features, ...other } = config;
  const fields = patch(platform === undefined ? config : { ...other, ...platform }, {
    created: created === undefined ? time : created === null ? null : formatTime(created),
    author,
  });
  const container = editContainer(fields.config, options, fields.os === "windows");
  const edited = patch(fields, { config: container });
  if (timestamps === undefined || edited.history === undefined) return edited;
  const history = edited.history.map((entry) =>
    patch(entry, { created: editTime(entry.created, timestamps) })
  );
  return { ...edited, history };
}

function editContainer(
  container: ContainerConfig | undefined,
  options: MutateOptions,
  isWindows: boolean,
): ContainerConfig | undefined {
  const { config, env, labels, entrypoint, cmd, user, workingDir, exposedPorts, volumes } = options;
  const given = patch(container ?? {}, config ?? {});
  const edit: ContainerConfigEdit = {
    Env: editEnv(given.Env, env, isWindows) ?? null,
    Labels: editPairs(given.Labels, labels) ?? null,
    Entrypoint: entrypoint,
    // What the old entry point took as its arguments is nothing for the new one.
    Cmd: cmd === undefined && entrypoint !== undefined && config?.Cmd === undefined ? null : cmd,
    User: user,
    WorkingDir: workingDir,
    ExposedPorts: exposedPorts === undefined ? undefined : setOf(exposedPorts?.map(portOf)),
    Volumes: volumes === undefined ? undefined : setOf(volumes ?? undefined),
  };
  const edited = patch(given, edit);
  return container === undefined && Object.keys(edited).length === 0 ? undefined : edited;
}

/** Sets fields, and takes out those that are `null`; those that stay keep their place. */
function patch<Fields extends object>(
  fields: Fields,
  edit: { readonly [Field in keyof Fields]?: Fields[Field] | null | undefined },
): Fields {
  const patched = new Map<string, unknown>(Object.entries(fields));
  for (const [field, value] of Object.entries(edit)) {
    if (value === null) patched.delete(field);
    else if (value !== undefined) patched.set(field, value);
  }
  return Object.fromEntries(patched) as Fields;
}

function setOf(names: readonly string[] | undefined): Record<string, unknown> | null {
  if (names === undefined || names.length === 0) return null;
  return Object.fromEntries(names.map((name) => [name, {}]));
}

// Docker takes a port without a protocol for one of TCP.
function portOf(port: string): string {
  return port.includes("/") ? port : `${port}/tcp`;
}
