import type { ImageContents } from "./_backend.ts";
import type { DockerRepository } from "./docker_repository.ts";

/** What an image is made of. */
export interface DockerImageContext {
  readonly repository: DockerRepository;
  readonly reference: string;
  readonly contents: ImageContents;
}
