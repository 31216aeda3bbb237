// What the HTTP/1.1 client of Node takes for an answer, and what it refuses.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll } from "../../lib/bytes/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { Exchange } from "../../lib/runtime/_http_exchange.ts";

interface Taken {
  readonly exchange: Exchange;
  /** How often the connection was closed. */
  closed: number;
}

function open(method = "GET", signal?: AbortSignal): Taken {
  const request = new Request("http://127.0.0.1/", { method, signal: signal ?? null });
  const taken = { closed: 0 } as { closed: number; exchange?: Exchange };
  taken.exchange = new Exchange(request, {
    readAheadBytes: 1024 * 1024,
    resume() {},
    close: () => void taken.closed++,
  });
  taken.exchange.response.catch(() => {});
  return taken as Taken;
}

function latin1(text: string): Bytes {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** Gives an answer to an exchange in pieces of `step` bytes. */
function give(exchange: Exchange, answer: string, step = answer.length): void {
  const bytes = latin1(answer);
  for (let at = 0; at < bytes.length; at += step) {
    // What was lent is overwritten, as the buffer of a socket is.
    const lent = bytes.slice(at, at + step);
    exchange.take(lent);
    lent.fill(0x21);
  }
}

async function bodyText(response: Response): Promise<string> {
  const body = response.body as ReadableStream<Uint8Array<ArrayBuffer>>;
  return new TextDecoder("latin1").decode(await readAll(body, { maxBytes: 1 << 20 }));
}

const WHOLE: readonly (readonly [what: string, answer: string, body: string, isKept: boolean])[] = [
  ["a length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", true],
  ["no phrase", "HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello", "hello", true],
  ["an empty phrase", "HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nhello", "hello", true],
  ["no bytes", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", true],
  ["a length twice", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nhi", "hi", true],
  ["no space", "HTTP/1.1 200 OK\r\nContent-Length:2\r\n\r\nhi", "hi", true],
  ["close", "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nhi", "hi", false],
  ["HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", "hi", false],
  [
    "HTTP/1.0 that keeps",
    "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi",
    "hi",
    true,
  ],
  [
    "interim answers",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" +
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    "hi",
    true,
  ],
  [
    "chunks",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n00A;x=y\r\n0123456789\r\n" +
    "0\r\nX-Trailer: 1\r\n\r\n",
    "hello0123456789",
    true,
  ],
  [
    "more than was asked for",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\n\r\n",
    "hi",
    false,
  ],
];

for (const [what, answer, body, isKept] of WHOLE) {
  test(`an answer with ${what} is whole, however it arrives`, async () => {
    for (const step of [answer.length, 1, 2, 3, 7]) {
      const { exchange } = open();
      give(exchange, answer, step);
      assert.equal(exchange.isOver, true, `${step}`);
      assert.equal(exchange.isKept, isKept && true, `${step}`);
      const response = await exchange.response;
      assert.equal(response.status, 200);
      assert.equal(await bodyText(response), body, `${step}`);
    }
  });
}

test("an answer without a length ends with its connection", async () => {
  const { exchange } = open();
  give(exchange, "HTTP/1.1 200 OK\r\n\r\nhel");
  give(exchange, "lo");
  assert.equal(exchange.isOver, false);
  exchange.end();
  assert.equal(exchange.isKept, false);
  assert.equal(await bodyText(await exchange.response), "hello");
});

test("HEAD, 204 and 304 have no body, whatever their headers say", async () => {
  for (
    const [method, status] of [["HEAD", "200 OK"], ["GET", "204 None"], [
      "GET",
      "304 Same",
    ]] as const
  ) {
    for (const header of ["Content-Length: 9\r\n", "Transfer-Encoding: chunked\r\n", ""]) {
      const { exchange } = open(method);
      give(exchange, `HTTP/1.1 ${status}\r\n${header}\r\n`);
      assert.equal(exchange.isOver && exchange.isKept, true, `${method} ${status} ${header}`);
      assert.equal((await exchange.response).body, null);
    }
  }
});

test("header fields arrive as they were sent", async () => {
  const { exchange } = open();
  const head = "HTTP/1.1 200 Fine\r\nX-A: 1\r\nx-a:\t2 \r\nX-Empty:\r\nX-Latin: caf\xe9\r\n";
  give(exchange, `${head}Content-Length: 0\r\n\r\n`, 3);
  const { headers, statusText } = await exchange.response;
  assert.equal(statusText, "Fine");
  assert.equal(headers.get("x-a"), "1, 2");
  assert.equal(headers.get("x-empty"), "");
  assert.equal(headers.get("x-latin"), "caf\xe9");
});

const OK = "HTTP/1.1 200 OK\r\n";
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
const REFUSED: readonly (readonly [what: string, answer: string])[] = [
  ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n"],
  ["HTTP/2", "HTTP/2 200\r\n\r\n"],
  ["HTTP/0.9", "<html>\r\n\r\n"],
  ["a status of two digits", "HTTP/1.1 20 OK\r\n\r\n"],
  ["a status that is none", "HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n"],
  ["a NUL in the phrase", "HTTP/1.1 200 O\0K\r\n\r\n"],
  ["a change of the protocol", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"],
  ["a folded line", `${OK}X-A: 1\r\n  2\r\n\r\n`],
  ["a space before the colon", `${OK}Content-Length : 5\r\n\r\nhello`],
  ["a field without a name", `${OK}: 5\r\n\r\n`],
  ["a line that is no field", `${OK}hello\r\n\r\n`],
  ["a line feed alone", `${OK}X-A: 1\nContent-Length: 5\r\n\r\nhello`],
  ["a NUL in a value", `${OK}X-A: 1\x002\r\n\r\n`],
  ["two lengths", `${OK}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`],
  ["a negative length", `${OK}Content-Length: -1\r\n\r\n`],
  ["a length with a sign", `${OK}Content-Length: +5\r\n\r\nhello`],
  ["a length in hexadecimal", `${OK}Content-Length: 0x5\r\n\r\nhello`],
  ["an empty length", `${OK}Content-Length:\r\n\r\n`],
  ["a length beyond every content", `${OK}Content-Length: 9999999999999999\r\n\r\n`],
  [
    "a length beside chunks",
    `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  ["a coding that is not known", `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
  ["chunks said twice", `${OK}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`],
  ["a head without end", OK + "X-A: 1\r\n".repeat(10_000)],
  ["interim answers without end", "HTTP/1.1 100 Continue\r\n\r\n".repeat(10_000)],
];
const BROKEN_CHUNKS: readonly (readonly [what: string, answer: string])[] = [
  ["a size that is none", `${CHUNKED}xyz\r\nhello\r\n0\r\n\r\n`],
  ["a size with a sign", `${CHUNKED}-5\r\nhello\r\n0\r\n\r\n`],
  ["a size beyond every content", `${CHUNKED}ffffffffffffff\r\nhello\r\n0\r\n\r\n`],
  ["an empty size", `${CHUNKED}\r\nhello\r\n0\r\n\r\n`],
  ["more than it announced", `${CHUNKED}2\r\nhello\r\n0\r\n\r\n`],
  ["a line feed alone", `${CHUNKED}5\nhello\r\n0\r\n\r\n`],
  ["a line without end", `${CHUNKED}5;${"x".repeat(10_000)}\r\nhello\r\n0\r\n\r\n`],
  ["trailers without end", `${CHUNKED}0\r\n${"X: 1\r\n".repeat(1000)}\r\n`],
];

for (const [what, answer] of REFUSED) {
  test(`an answer with ${what} is refused`, async () => {
    for (const step of [answer.length, 1]) {
      const taken = open();
      give(taken.exchange, answer, step);
      assert.equal(taken.exchange.isOver, true);
      assert.equal(taken.exchange.isKept, false);
      assert.equal(taken.closed, 1);
      await assert.rejects(taken.exchange.response, { name: "TypeError", message: "fetch failed" });
    }
  });
}

for (const [what, answer] of BROKEN_CHUNKS) {
  test(`an answer whose chunks have ${what} breaks off`, async () => {
    for (const step of [answer.length, 1]) {
      const taken = open();
      give(taken.exchange, answer, step);
      assert.equal(taken.closed, 1);
      const response = await taken.exchange.response;
      await assert.rejects(bodyText(response), { name: "TypeError", message: "terminated" });
    }
  });
}

test("an answer that breaks off at any byte is an error", async () => {
  const answers = [
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  ];
  for (const answer of answers) {
    for (let end = 0; end < answer.length; end++) {
      const { exchange } = open();
      give(exchange, answer.slice(0, end));
      exchange.end();
      assert.equal(exchange.isOver, true);
      await assert.rejects(exchange.response.then(bodyText), TypeError, `${end}`);
    }
  }
});

test("an answer that ends while it is read is an error after the bytes that came", async () => {
  const { exchange } = open();
  give(exchange, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello");
  const reader = (await exchange.response).body?.getReader();
  assert.equal(new TextDecoder().decode((await reader?.read())?.value), "hello");
  const reason = new Error("reset");
  exchange.fail(reason);
  await assert.rejects(Promise.resolve(reader?.read()), { message: "terminated", cause: reason });
});

test("an aborted exchange fails with the reason alone", async () => {
  const controller = new AbortController();
  const taken = open("GET", controller.signal);
  const reason = new Error("enough");
  controller.abort(reason);
  taken.exchange.fail(new Error("the socket was closed"));
  assert.equal(await taken.exchange.response.catch((error) => error), reason);
});

test("a body that is not wanted closes the connection, unless it is there already", async () => {
  const whole = open();
  give(whole.exchange, "HTTP/1.1 401 No\r\nContent-Length: 5\r\n\r\nhello");
  await (await whole.exchange.response).body?.cancel();
  assert.equal(whole.closed, 0);
  assert.equal(whole.exchange.isKept, true);
  const cut = open();
  give(cut.exchange, "HTTP/1.1 401 No\r\nContent-Length: 6\r\n\r\nhello");
  await (await cut.exchange.response).body?.cancel();
  assert.equal(cut.closed, 1);
  assert.equal(cut.exchange.isOver, true);
});

test("more is wanted until enough waits for its reader", async () => {
  const { exchange } = open();
  assert.equal(exchange.take(latin1("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n")), true);
  const piece = new Uint8Array(64 * 1024);
  let taken = 0;
  while (exchange.take(piece)) taken += piece.length;
  assert.ok(taken > 0 && taken < 1 << 21, `${taken}`);
  await (await exchange.response).body?.cancel();
});

test("pieces that arrive together are handed on together", async () => {
  const { exchange } = open();
  give(exchange, `${CHUNKED}5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\n`);
  const reader = (await exchange.response).body?.getReader();
  assert.equal(new TextDecoder().decode((await reader?.read())?.value), "hello world");
  assert.equal((await reader?.read())?.done, true);
});

test("a refusal is told when its head is there, and nothing else is one", () => {
  for (
    const [status, isRefusal] of [[200, false], [307, false], [400, true], [503, true]] as const
  ) {
    const { exchange } = open("POST");
    let told = 0;
    exchange.onRefused = () => void told++;
    give(exchange, `HTTP/1.1 ${status} X\r\nContent-Length: 5\r\n\r\nhe`, 1);
    assert.deepEqual([exchange.isRefused, told], [isRefusal, isRefusal ? 1 : 0], `${status}`);
    assert.equal(exchange.isOver, false);
  }
});

test("memory that is given is handed on as it is, and freed where that cannot be", async () => {
  const { exchange } = open();
  const head = latin1("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nhello ");
  const [all, more] = [latin1("there"), latin1("! and more")];
  const memory = all.buffer;
  for (const bytes of [head, all, more]) exchange.take(bytes, true);
  assert.equal(head.byteLength, 0);
  assert.equal(more.byteLength, 0);
  const reader = (await exchange.response).body?.getReader();
  const read = async () => (await reader?.read())?.value as Bytes;
  assert.equal(new TextDecoder().decode(await read()), "hello ");
  const chunk = await read();
  assert.equal(new TextDecoder().decode(chunk), "there");
  assert.equal(chunk.buffer, memory);
  assert.equal(chunk.constructor, Uint8Array);
  assert.equal(new TextDecoder().decode(await read()), "!");
  assert.equal((await reader?.read())?.done, true);
  assert.equal(exchange.isKept, false);
});
