import type { Descriptor } from "../model/descriptor.ts";

/** What a copy would do with one blob or manifest. */
export interface PlannedContent {
  /** What it is. */
  readonly descriptor: Descriptor;
  /**
   * `copy`: it is fetched and pushed; `exists`: the target has it; `mount`: the target is asked to
   * take it over from the source's repository, and it is copied where that fails; `skip`: a foreign
   * layer that the source does not have.
   */
  readonly action: "copy" | "exists" | "mount" | "skip";
}

interface Contents {
  readonly blobs: readonly PlannedContent[];
  readonly manifests: readonly PlannedContent[];
}

/** What a plan comes to, each content once. */
export class PlannedContents {
  readonly #blobs = new Map<string, PlannedContent>();
  readonly #manifests = new Map<string, PlannedContent>();

  addBlob(content: PlannedContent): void {
    add(this.#blobs, content);
  }

  addManifest(content: PlannedContent): void {
    add(this.#manifests, content);
  }

  /** Adds what another plan has come to. */
  addAll({ blobs, manifests }: Contents): void {
    for (const blob of blobs) this.addBlob(blob);
    for (const manifest of manifests) this.addManifest(manifest);
  }

  plan(): Contents & { readonly bytesToCopy: number } {
    const [blobs, manifests] = [[...this.#blobs.values()], [...this.#manifests.values()]];
    const bytesToCopy = [...blobs, ...manifests].filter(({ action }) => action === "copy")
      .reduce((sum, { descriptor }) => sum + descriptor.size, 0);
    return { blobs, manifests, bytesToCopy };
  }
}

function add(contents: Map<string, PlannedContent>, content: PlannedContent): void {
  const { digest } = content.descriptor;
  if (!contents.has(digest)) contents.set(digest, content);
}
