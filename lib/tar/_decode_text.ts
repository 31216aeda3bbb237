const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Names are rarely longer; a decoder is made for long texts. */
const MAX_SHORT_BYTES = 64;

/**
 * Decodes UTF-8; U+FFFD stands for bytes that are none. Most names are short and ASCII, and made
 * faster without the host's decoder.
 */
export function decodeText(bytes: Uint8Array): string {
  if (bytes.length > MAX_SHORT_BYTES) return decoder.decode(bytes);
  let text = "";
  for (const byte of bytes) {
    if (byte >= 0x80) return decoder.decode(bytes);
    text += String.fromCharCode(byte);
  }
  return text;
}
