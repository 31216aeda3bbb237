import { InvalidTarError } from "../model/errors.ts";
import type { BlockReader } from "./_block_reader.ts";
import { EntryBody } from "./_entry_body.ts";
import { BLOCK_SIZE } from "./header.ts";
import type { HoleBudget } from "./_hole_budget.ts";
import type { SparseMapReader } from "./_sparse_map.ts";
import type { SparseEntry } from "./sparse.ts";

/** The content of a sparse file. */
export interface SparseContent {
  readonly body: EntryBody;
  /** The bytes of the file, holes included. */
  readonly size: number;
  /** Its pieces. */
  readonly map: readonly SparseEntry[];
  /** Who counts its holes. */
  readonly holes: HoleBudget;
}

/** Reads the blocks of a sparse map that lie behind the header or first in the content. */
export async function openSparse(
  reader: BlockReader,
  sparse: SparseMapReader,
  { storedSize, offset, holes }: {
    readonly storedSize: number;
    readonly offset: number;
    readonly holes: HoleBudget;
  },
): Promise<SparseContent> {
  while (sparse.next === "header") sparse.push(await reader.exactly(BLOCK_SIZE));
  const body = new EntryBody(reader, storedSize);
  while (sparse.next === "content") {
    if (body.rest < BLOCK_SIZE) {
      throw new InvalidTarError(
        `Cannot read the sparse file at byte ${offset}: its map is cut short`,
        { offset },
      );
    }
    sparse.push(await body.exactly(BLOCK_SIZE));
  }
  return { body, size: sparse.realSize, map: sparse.finish(body.rest), holes };
}
