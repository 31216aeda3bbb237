import type { Descriptor } from "../model/descriptor.ts";
import type { ImageConfig } from "../model/image_config.ts";
import { ANNOTATION_TITLE } from "../model/annotations.ts";
import { formatSize } from "./size.ts";

/** What `lading inspect` tells. What there is not is absent; an artifact has no config. */
export interface Inspection {
  readonly digest: string;
  readonly mediaType: string;
  readonly artifactType: string | undefined;
  readonly platform: string | undefined;
  readonly size: number;
  readonly layers: readonly Descriptor[];
  readonly config: ImageConfig | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
  readonly subject: Descriptor | undefined;
  readonly index:
    | { readonly digest: string; readonly platforms: readonly string[] }
    | undefined;
}

/** The width of the names. */
const NAME_WIDTH = 12;

type Row = readonly [name: string, value: string];

/** Writes it for people: a name and a value in each line, a line for each of several values. */
export function inspectedLines(inspection: Inspection): string[] {
  return [...rows(inspection)].map(([name, value]) => name.padEnd(NAME_WIDTH) + value);
}

function* rows(inspection: Inspection): Generator<Row, void, undefined> {
  const { digest, mediaType, artifactType, platform, size, config, subject, index } = inspection;
  yield ["digest", digest];
  yield ["type", mediaType];
  if (artifactType !== undefined) yield ["artifact", artifactType];
  if (platform !== undefined) yield ["platform", platform];
  yield ["size", formatSize(size)];
  if (config !== undefined) yield* configRows(config);
  for (const [key, value] of Object.entries(inspection.annotations ?? {})) {
    yield ["annotation", `${key}=${value}`];
  }
  if (subject !== undefined) yield ["subject", subject.digest];
  if (index !== undefined) yield ["index", `${index.digest}  ${index.platforms.join(" ")}`];
  for (const layer of inspection.layers) {
    const title = layer.annotations?.[ANNOTATION_TITLE];
    const file = title === undefined ? "" : `  ${title}`;
    yield [config === undefined ? "blob" : "layer", layerText(layer) + file];
  }
}

function layerText({ digest, size }: Descriptor): string {
  return `${digest}  ${formatSize(size)}`;
}

function* configRows(
  { created, author, config = {} }: ImageConfig,
): Generator<Row, void, undefined> {
  yield ["created", created ?? "unknown"];
  if (author !== undefined) yield ["author", author];
  const { Entrypoint, Cmd, User, WorkingDir, Env, ExposedPorts, Volumes, Labels } = config;
  if (Entrypoint?.length) yield ["entrypoint", JSON.stringify(Entrypoint)];
  if (Cmd?.length) yield ["cmd", JSON.stringify(Cmd)];
  if (User) yield ["user", User];
  if (WorkingDir) yield ["workdir", WorkingDir];
  for (const variable of Env ?? []) yield ["env", variable];
  for (const port of Object.keys(ExposedPorts ?? {})) yield ["port", port];
  for (const volume of Object.keys(Volumes ?? {})) yield ["volume", volume];
  for (const [key, value] of Object.entries(Labels ?? {})) yield ["label", `${key}=${value}`];
}
