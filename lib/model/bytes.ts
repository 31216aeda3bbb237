/** Bytes in ordinary (not shared) memory: what every stream of lading carries. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** A web stream of bytes. */
export type ByteStream = ReadableStream<Bytes>;

/**
 * Content to be written: bytes, a stream that can be read once, or a function that opens the
 * content anew each time. Only bytes and functions can be sent again after a failure.
 */
export type ByteSource = Bytes | ByteStream | (() => ByteStream | Promise<ByteStream>);
