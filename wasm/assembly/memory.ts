// deno-fmt-ignore-file: the formatter drops the decorators of AssemblyScript
// The memory of the kernel: seven pages, 448 KiB. Every address is a constant, so that it becomes
// part of a load or store instruction. Nothing here grows the memory. The host lets that of the one
// instance grow where several messages wait to be hashed side by side: to 13 pages, 832 KiB.
//
//  address   bytes    what
//  0x00000    1024    nothing: 0 is no valid pointer
//  0x00400    3072    constants placed by the compiler (memoryBase in asconfig.json)
//  0x01000     256    HASH_STATE       the hash at work: count, chaining words, open block
//  0x01100     768    HASH_SCHEDULE    message schedule of one block; 128 of slack
//  0x01800     128    PRECODE_TABLE    7 bits -> code length symbol, one byte each
//  0x01880      32    PRECODE_LENGTHS  lengths of the 19 codes that code lengths are written in
//  0x01900     336    LENGTHS          code lengths of a block: literals, then distances; 16 of slack
//  0x01b00      64    LENGTH_COUNTS    codes of each length
//  0x01b40      64    LENGTH_OFFSETS   where the symbols of each length begin in SORTED_SYMBOLS; once
//                                      they are there, where they end
//  0x01c00     576    SORTED_SYMBOLS   symbols by length, then by value
//  0x02000    1152    LITERAL_BASES    entry of each literal/length symbol without its code length
//  0x02480     128    DISTANCE_BASES   the same for distances
//  0x02600     256    SHUFFLES         swizzle that repeats the first d bytes, d = 0..15
//  0x02700      16    STRIDES          bytes of such a pattern that are whole repetitions
//  0x02800    1024    LANE_SCHEDULE    message schedule of four blocks of four messages
//  0x02c00     128    LANE_WORDS       their chaining words
//  0x03000    9376    LITERAL_TABLE    2344 entries of 4 bytes
//  0x05800    2376    DISTANCE_TABLE   594 entries of 4 bytes
//  0x06200     576    SORTED_CODES     codes of the literals and lengths in SORTED_SYMBOLS
//  0x06480     320    FIXED_LENGTHS    code lengths of the fixed code: literals, from 288 on distances
//  0x07000    8192    CRC_TABLES       the CRCs of each byte and of 0 to 7 zero bytes behind it
//  0x09000    1152    LITERAL_COUNTS   how often the block at work has each literal and length
//  0x09480     128    DISTANCE_COUNTS  the same for distances
//  0x09500     128    RUN_COUNTS       the same for the symbols that describe codes
//  0x09580    1152    LITERAL_CODES    code of each literal and length: its bits, how many
//  0x09a00     128    DISTANCE_CODES   the same for distances
//  0x09a80     128    RUN_CODES        the same for the symbols that describe codes
//  0x09b00    1024    LENGTH_CODES     code and extra bits of each length; SORT_PLACES while codes
//                                      are made: where the next key of each value goes
//  0x09f00     320    WRITTEN_LENGTHS  code lengths: literals, from 288 on distances
//  0x0a040     320    RUN_LENGTHS      the same without gap, then those of the runs' own code
//  0x0a180     640    RUNS             the runs that describe them, 2 bytes each
//  0x0a400     256    LENGTH_SYMBOLS   symbol of each length
//  0x0a500     512    DISTANCE_SYMBOLS symbol of each distance up to 256, of each 128 above
//  0x0a700     128    DISTANCE_STARTS  first distance of each symbol
//  0x0a780     192    CODE_COUNTS      codes of each length
//  0x0a840      64    CODE_NEXT        next code of each length
//  0x0a880    1152    TREE_KEYS        symbols by frequency
//  0x0ad00    1152    TREE             weights, parents, depths
//  0x0b180      64    KINDS_BEFORE     items of each kind in the block so far
//  0x0b1c0      64    KINDS_NEW        and in those after them
//  0x0b200   19968    CRC_FOLDS        vectors of a message while it is folded
//
// What follows is used for inflating and the tar scan of its output, for hashes in an instance of
// its own, for deflating in another, or for messages that wait in one more; they share the place.
//
//  0x10000  131072    INPUT            the host writes here
//  0x30000    6656    TAR_ENTRIES      64 headers found: address, fields
//  0x40800   32768    WINDOW           history: what distances may point at
//  0x48800  131072    WINDOW_OUTPUT    output of one run
//  0x68800     512    slack            vectors of the last match may pass the end of the window
//  0x68a00   30208    nothing
//  0x70000            end
//
//  0x10000  131072    HASH_HEADS       last position of each hash, 2 bytes each
//  0x30000   65536    MATCH_CHAIN      the position with the same hash before each position
//  0x40000   66560    DEFLATE_WINDOW   history, and what the host writes; 1 KiB to look ahead
//  0x50400   65552    ITEMS            literals and matches of the block at work, 4 bytes each
//  0x60410   64496    DEFLATE_OUTPUT   a block: at most 16386 items of 31 bits, and 8 of slack
//  0x70000            end
//
//  0x10000  786432    LANE_PAGES       what the host keeps of messages, in pages as it likes
//  0xd0000            end

export const HASH_STATE: usize = 0x1000;
export const HASH_SCHEDULE: usize = 0x1100;
export const LANE_SCHEDULE: usize = 0x2800;
export const LANE_WORDS: usize = 0x2c00;

export const PRECODE_TABLE: usize = 0x1800;
export const PRECODE_LENGTHS: usize = 0x1880;
export const LENGTHS: usize = 0x1900;
export const LENGTH_COUNTS: usize = 0x1b00;
export const LENGTH_OFFSETS: usize = 0x1b40;
export const SORTED_SYMBOLS: usize = 0x1c00;
export const LITERAL_BASES: usize = 0x2000;
export const DISTANCE_BASES: usize = 0x2480;
export const SHUFFLES: usize = 0x2600;
export const STRIDES: usize = 0x2700;
export const LITERAL_TABLE: usize = 0x3000;
export const DISTANCE_TABLE: usize = 0x5800;
export const SORTED_CODES: usize = 0x6200;
export const FIXED_LENGTHS: usize = 0x6480;
export const CRC_TABLES: usize = 0x7000;
export const CRC_FOLDS: usize = 0xb200;
export const CRC_FOLDS_BYTES: usize = 0x4e00;

export const INPUT: usize = 0x10000;
export const INPUT_BYTES: u32 = 0x20000;

export const TAR_ENTRIES: usize = 0x30000;
export const TAR_ENTRY_BYTES: u32 = 104;
export const TAR_ENTRY_COUNT: u32 = 64;

/** RFC 1951 §2: a distance reaches at most 32 KiB back. */
export const HISTORY_BYTES: usize = 0x8000;
export const WINDOW: usize = 0x40800;
export const WINDOW_OUTPUT: usize = WINDOW + HISTORY_BYTES;
/** A run stops here: four literals and the longest match may still follow the last check. */
export const WINDOW_LIMIT: usize = WINDOW_OUTPUT + 0x20000 - 262;

export const LITERAL_COUNTS: usize = 0x9000;
export const DISTANCE_COUNTS: usize = 0x9480;
export const RUN_COUNTS: usize = 0x9500;
export const LITERAL_CODES: usize = 0x9580;
export const DISTANCE_CODES: usize = 0x9a00;
export const RUN_CODES: usize = 0x9a80;
export const LENGTH_CODES: usize = 0x9b00;
export const SORT_PLACES: usize = LENGTH_CODES;
export const WRITTEN_LENGTHS: usize = 0x9f00;
export const RUN_LENGTHS: usize = 0xa040;
export const RUNS: usize = 0xa180;
export const LENGTH_SYMBOLS: usize = 0xa400;
export const DISTANCE_SYMBOLS: usize = 0xa500;
export const DISTANCE_STARTS: usize = 0xa700;
export const CODE_COUNTS: usize = 0xa780;
export const CODE_NEXT: usize = 0xa840;
export const TREE_KEYS: usize = 0xa880;
export const TREE: usize = 0xad00;
export const KINDS_BEFORE: usize = 0xb180;
export const KINDS_NEW: usize = 0xb1c0;

export const HASH_HEADS: usize = 0x10000;
export const MATCH_CHAIN: usize = 0x30000;
export const MATCH_TABLES_END: usize = 0x40000;
export const DEFLATE_WINDOW: usize = 0x40000;
export const DEFLATE_WINDOW_BYTES: u32 = 0x10400;
export const ITEMS: usize = 0x50400;
export const DEFLATE_OUTPUT: usize = 0x60410;

export const LANE_PAGES: usize = 0x10000;
