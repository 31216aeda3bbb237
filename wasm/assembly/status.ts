// deno-fmt-ignore-file: the formatter drops the decorators of AssemblyScript
// Result codes of the inflater; lib/kernel/_inflate_status.ts has the same numbers and the words.

export const NEED_INPUT: i32 = 0;
export const WINDOW_FULL: i32 = 1;
export const ENDED: i32 = 2;
/** A member has ended whose last output the host has still to check. */
export const CHECK_DUE: i32 = 3;
/** A block, or a gzip member, begins, and the host asked to be told. */
export const BLOCK_BOUNDARY: i32 = 4;
export const MEMBER_BOUNDARY: i32 = 5;

export const BAD_MAGIC: i32 = -1;
export const BAD_METHOD: i32 = -2;
export const RESERVED_FLAGS: i32 = -3;
export const BAD_HEADER_CRC: i32 = -4;
export const FIELD_TOO_LONG: i32 = -5;
export const BAD_BLOCK_TYPE: i32 = -6;
export const BAD_STORED_LENGTH: i32 = -7;
export const TOO_MANY_CODES: i32 = -8;
export const BAD_PRECODE: i32 = -9;
export const BAD_REPEAT: i32 = -10;
export const NO_END_OF_BLOCK: i32 = -11;
export const BAD_LITERAL_CODE: i32 = -12;
export const BAD_DISTANCE_CODE: i32 = -13;
export const INVALID_LITERAL: i32 = -14;
export const INVALID_DISTANCE: i32 = -15;
export const DISTANCE_TOO_FAR: i32 = -16;
export const BAD_CRC: i32 = -17;
export const BAD_LENGTH: i32 = -18;
export const TRAILING_BYTES: i32 = -19;
export const TRUNCATED: i32 = -20;
