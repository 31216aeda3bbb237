/** Gives a code as deflate packs it, its first bit lowest (RFC 1951 §3.1.1). */
export function reversedCode(code: number, length: number): number {
  let reversed = 0;
  for (; length > 0; length--, code >>= 1) reversed = reversed << 1 | code & 1;
  return reversed;
}
