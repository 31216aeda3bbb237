import type { Image } from "../../lib/image/mod.ts";
import { corpusBytes, corpusJSON } from "../support/corpus.ts";
import { imageOf, type Short, tarOf } from "./images.ts";

/** A row of the breakout table of containerd. */
export interface BreakoutRow {
  readonly name: string;
  readonly error: boolean;
  readonly archive: string;
  readonly before: readonly {
    readonly op: string;
    readonly path: string;
    readonly content?: string;
    readonly link?: string;
  }[];
}

/** Reads the table. */
export async function breakoutRows(): Promise<readonly BreakoutRow[]> {
  return (await corpusJSON<{ cases: BreakoutRow[] }>("tables/layer-breakouts.json")).cases;
}

/** Makes an image of what is there before and the archive of a row. */
export async function breakoutImage({ before, archive }: BreakoutRow): Promise<Image> {
  const lower = before.map(({ op, path, content, link }): Short => {
    const name = path.replace(/^\/|\/$/g, "");
    if (op === "dir") return `${name}/`;
    if (op === "symlink") return `${name}->${link}`;
    return op === "hardlink" ? `${name}=>${link}` : `${name}=${content}`;
  });
  return await imageOf(await tarOf(lower), new Uint8Array(await corpusBytes(archive)));
}
