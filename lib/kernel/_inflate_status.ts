import { CorruptStreamError, LimitExceededError } from "../model/errors.ts";

/** What a run of an inflater came to; the numbers are those of wasm/assembly/status.ts. */
export const STATUS = {
  needInput: 0,
  windowFull: 1,
  ended: 2,
  checkDue: 3,
  blockBoundary: 4,
  memberBoundary: 5,
  badMagic: -1,
  badMethod: -2,
  reservedFlags: -3,
  badHeaderCrc: -4,
  fieldTooLong: -5,
  badBlockType: -6,
  badStoredLength: -7,
  tooManyCodes: -8,
  badPrecode: -9,
  badRepeat: -10,
  noEndOfBlock: -11,
  badLiteralCode: -12,
  badDistanceCode: -13,
  invalidLiteral: -14,
  invalidDistance: -15,
  distanceTooFar: -16,
  badCrc: -17,
  badLength: -18,
  trailingBytes: -19,
  truncated: -20,
} as const;

/** The longest FNAME or FCOMMENT. RFC 1952 has no limit; nobody writes paths longer than this. */
export const MAX_FIELD_BYTES: number = 65536;

const REASONS: Readonly<Record<number, string>> = {
  [STATUS.badMagic]: "it is not in gzip format",
  [STATUS.badMethod]: "the compression method is not deflate",
  [STATUS.reservedFlags]: "reserved flags are set in the header",
  [STATUS.badHeaderCrc]: "the CRC of the header does not match",
  [STATUS.badBlockType]: "a block has an invalid type",
  [STATUS.badStoredLength]: "the two lengths of a stored block do not match",
  [STATUS.tooManyCodes]: "a block has too many length or distance codes",
  [STATUS.badPrecode]: "the code length code is not complete",
  [STATUS.badRepeat]: "a code length repeat is invalid",
  [STATUS.noEndOfBlock]: "a block has no end-of-block code",
  [STATUS.badLiteralCode]: "the literal/length code is not complete",
  [STATUS.badDistanceCode]: "the distance code is not complete",
  [STATUS.invalidLiteral]: "a literal/length code is invalid",
  [STATUS.invalidDistance]: "a distance code is invalid",
  [STATUS.distanceTooFar]: "a distance points before the start of the member",
  [STATUS.badCrc]: "the CRC-32 does not match",
  [STATUS.badLength]: "the length does not match",
  [STATUS.trailingBytes]: "other bytes than zeros follow the end",
  [STATUS.truncated]: "it is cut short",
};

/**
 * Makes the error for a failed run.
 *
 * @param status A negative status.
 * @param goodBytes The end of the last good member.
 * @returns The error to throw.
 */
export function inflateError(
  status: number,
  goodBytes: number,
): CorruptStreamError | LimitExceededError {
  if (status === STATUS.fieldTooLong) {
    return new LimitExceededError(
      `Cannot inflate: a field of the gzip header is longer than the limit of ${MAX_FIELD_BYTES} bytes`,
      { limit: MAX_FIELD_BYTES, unit: "bytes" },
    );
  }
  const reason = REASONS[status] ?? `the kernel gave the unknown status ${status}`;
  return new CorruptStreamError(`Cannot inflate: ${reason}`, { offset: goodBytes });
}
