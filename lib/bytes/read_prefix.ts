import type { ByteStream } from "../model/bytes.ts";

/**
 * Reads the beginning of a text, such as what the body of an error says, and cancels the rest. It
 * never fails: what has come until the stream broke or the time was up is what there is.
 *
 * @param stream The bytes, UTF-8.
 * @param maxBytes How many of them to read.
 * @param startTimer Calls back when the time is up, and gives what cancels that.
 * @returns The text.
 */
export async function readPrefix(
  stream: ByteStream,
  maxBytes: number,
  startTimer: (onEnd: () => void) => () => void,
): Promise<string> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  // This ends a read that waits, too.
  const cancel = () => void reader.cancel().catch(() => {});
  const stop = startTimer(cancel);
  let text = "";
  let left = maxBytes;
  try {
    while (left > 0) {
      const { done, value } = await reader.read();
      if (done) break;
      const chunk = value.subarray(0, left);
      left -= chunk.byteLength;
      text += decoder.decode(chunk, { stream: true });
    }
  } catch {
    // What has come is what there is to say.
  } finally {
    stop();
    cancel();
    reader.releaseLock();
  }
  return text;
}
