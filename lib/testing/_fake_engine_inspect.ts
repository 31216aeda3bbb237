import type { ContainerConfig, ImageConfig } from "../model/image_config.ts";
import type { FakeImage, FakeImages } from "./_fake_engine_images.ts";
import { namesOf } from "./_fake_engine_images.ts";
import { createdSeconds, totalSize } from "./_fake_engine_list.ts";

/** What configs of engines say besides the image-spec. */
interface EngineConfig extends ImageConfig {
  readonly comment?: string;
  readonly container?: string;
  readonly container_config?: ContainerConfig;
  readonly docker_version?: string;
}

/** Shows all that there is to know of an image. */
export async function inspectImage(
  images: FakeImages,
  image: FakeImage,
): Promise<Readonly<Record<string, unknown>>> {
  const config: EngineConfig = image.config;
  const size = await totalSize(images, image);
  return {
    Id: image.id,
    RepoTags: namesOf(image, "tags"),
    RepoDigests: namesOf(image, "digests"),
    Parent: images.parentOf(image.id),
    Comment: config.comment ?? lastComment(config),
    Created: config.created ?? "0001-01-01T00:00:00Z",
    Container: config.container ?? "",
    ContainerConfig: shownConfig(config.container_config),
    DockerVersion: config.docker_version ?? "",
    Author: config.author ?? "",
    Config: shownConfig(config.config),
    Architecture: config.architecture,
    ...(config.variant === undefined ? {} : { Variant: config.variant }),
    Os: config.os,
    ...(config["os.version"] === undefined ? {} : { OsVersion: config["os.version"] }),
    Size: size,
    VirtualSize: size,
    GraphDriver: { Data: null, Name: "vfs" },
    RootFS: {
      Type: "layers",
      ...(image.layers.length === 0 ? {} : { Layers: image.layers.map(({ diffID }) => diffID) }),
    },
    Metadata: { LastTagTime: images.taggedAt(image.id) },
  };
}

function lastComment({ history = [] }: ImageConfig): string {
  return history.at(-1)?.comment ?? "";
}

/** A config as Go writes it: with a zero for everything. */
function shownConfig(config: ContainerConfig = {}): Readonly<Record<string, unknown>> {
  return {
    Hostname: "",
    Domainname: "",
    User: "",
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    Env: null,
    Cmd: null,
    Image: "",
    Volumes: null,
    WorkingDir: "",
    Entrypoint: null,
    OnBuild: null,
    Labels: null,
    ...config,
  };
}

/** Lists the steps of an image, the last one first. */
export async function imageHistory(
  images: FakeImages,
  image: FakeImage,
): Promise<Readonly<Record<string, unknown>>[]> {
  const layers = [...image.layers];
  const steps: Record<string, unknown>[] = [];
  for (const entry of image.config.history ?? []) {
    const layer = entry.empty_layer === true ? undefined : layers.shift();
    steps.unshift({
      Comment: entry.comment ?? "",
      Created: createdSeconds(entry.created),
      CreatedBy: entry.created_by ?? "",
      Id: "<missing>",
      Size: layer === undefined ? 0 : await images.sizeOf(layer),
      Tags: null,
    });
  }
  const all = await images.all();
  let step: FakeImage | undefined = image;
  for (const shown of steps) {
    if (step === undefined) break;
    const tags = namesOf(step, "tags");
    Object.assign(shown, { Id: step.id, Tags: tags.length === 0 ? null : tags });
    step = all.get(images.parentOf(step.id));
  }
  return steps;
}
