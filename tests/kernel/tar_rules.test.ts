import { test } from "node:test";
import assert from "node:assert/strict";
import { sumOfTarBlock } from "../../lib/kernel/tar_block.ts";
import { hasTarChecksum, TAR_BLOCK_BYTES } from "../../lib/kernel/tar_rules.ts";
import { isZeroBlock } from "../../lib/tar/header.ts";

const CHECKSUM_AT = 148;

/** A block of given bytes in the middle of memory that is all ones. */
function blockOf(at: number, byte: (index: number) => number): Uint8Array {
  const memory = new Uint8Array(TAR_BLOCK_BYTES + 2 * at).fill(0xff);
  const block = memory.subarray(at, at + TAR_BLOCK_BYTES);
  block.forEach((_, index) => block[index] = byte(index));
  return block;
}

/** Writes the checksum that an archiver writes who adds bytes, or signed characters. */
function sealed(block: Uint8Array, isSigned: boolean): Uint8Array {
  block.fill(0x20, CHECKSUM_AT, CHECKSUM_AT + 8);
  const sum = block.reduce((total, byte) => total + (isSigned ? byte << 24 >> 24 : byte), 0);
  const text = `${sum.toString(8).padStart(6, "0")}\0 `;
  for (let index = 0; index < 8; index++) block[CHECKSUM_AT + index] = text.charCodeAt(index);
  return block;
}

test("the sum of a block is that of its bytes, wherever it lies", () => {
  for (const at of [0, 1, 2, 3, 513]) {
    assert.equal(sumOfTarBlock(blockOf(at, () => 0)), 0);
    assert.equal(sumOfTarBlock(blockOf(at, () => 0xff)), 512 * 0xff);
    const mixed = blockOf(at, (index) => index * 89 + (index >> 3));
    assert.equal(sumOfTarBlock(mixed), mixed.reduce((total, byte) => total + byte, 0));
  }
});

test("each byte of a block counts: in its sum, its checksum, and for being all zeros", () => {
  assert.equal(isZeroBlock(blockOf(1, () => 0)), true);
  for (let at = 0; at < TAR_BLOCK_BYTES; at++) {
    const one = blockOf(1, (index) => index === at ? 1 : 0);
    assert.equal(sumOfTarBlock(one), 1);
    assert.equal(isZeroBlock(one), false, `byte ${at}`);
    const block = sealed(blockOf(1, (index) => index & 0x7f), false);
    assert.equal(hasTarChecksum(block), true);
    block[at] = (block[at] ?? 0) ^ 1;
    // The last byte of the checksum's own field is no digit.
    assert.equal(hasTarChecksum(block), at === CHECKSUM_AT + 7, `byte ${at}`);
  }
});

test("checksums of bytes and of signed characters hold, also of a block that is all ones", () => {
  for (const isSigned of [false, true]) {
    const block = blockOf(3, (index) => index % 5 === 0 ? 0xe9 : 0x65);
    assert.equal(hasTarChecksum(sealed(block, isSigned)), true);
  }
  assert.equal(hasTarChecksum(sealed(blockOf(3, () => 0xff), false)), true);
});
