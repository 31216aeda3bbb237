import { test } from "node:test";
import assert from "node:assert/strict";
import { LimitExceededError, NotFoundError, RegistryError } from "../../lib/model/errors.ts";
import { findLink, nextPage, parseLinks } from "../../lib/registry/links.ts";
import { corpusJSON } from "../support/corpus.ts";
import { bench, collect, errorResponse, failure, HOST, type Script, utf8 } from "./scripted.ts";

interface LinkTable {
  readonly malformed: readonly { readonly name: string; readonly headers: readonly string[] }[];
  readonly lookup: readonly {
    readonly name: string;
    readonly headers: readonly string[];
    readonly param: string;
    readonly value: string;
    readonly uri: string | null;
  }[];
  readonly nextPage: readonly {
    readonly name: string;
    readonly requestURL: string;
    readonly header: string;
    readonly next: string | null;
    readonly rejected: boolean;
  }[];
}

const table = () => corpusJSON<LinkTable>("tables/link-header.json");

test("the table link-header: malformed headers", async () => {
  for (const { name, headers } of (await table()).malformed) {
    assert.equal(parseLinks(headers.join(", ")), undefined, name);
  }
});

test("the table link-header: look-ups", async () => {
  for (const { name, headers, param, value, uri } of (await table()).lookup) {
    const links = parseLinks(headers.join(", "));
    assert.ok(links !== undefined, name);
    assert.equal(findLink(links, param, value)?.uri ?? null, uri, name);
  }
});

test("the table link-header: next pages", async () => {
  for (const { name, requestURL, header, next, rejected } of (await table()).nextPage) {
    let found: string | null | undefined;
    try {
      found = nextPage(new URL(requestURL), header)?.href ?? null;
    } catch (error) {
      assert.ok(error instanceof RegistryError, name);
    }
    assert.equal(found === undefined, rejected, name);
    if (!rejected) assert.equal(found, next, name);
  }
});

test("a Link header is read as servers write it", () => {
  const good: readonly [string, string | undefined][] = [
    ["", undefined],
    [",", undefined],
    [" \t<a>;\trel=next ", "a"],
    ["<a>; rel=next;", "a"],
    ["<a>; rel=next; , <b>", "a"],
    ["<a>;; rel=next", "a"],
    [", ,<a>; rel=next,", "a"],
    ["<a>, <b>; rel=next", "b"],
    ["<>; rel=next", ""],
    ["a?n=1; rel=next", "a?n=1"],
    ["<a>; title*=UTF-8''%22; rel=\"prev NEXT\"", "a"],
    ['<a>; title="a, <b>; rel=\\"next\\""; rel=prev', undefined],
    ['<a>; rel=""; rel=next', undefined],
    ["<a>; rel", undefined],
    [`<a>; rel=next; t=${"x".repeat(16_384 - 17)}`, "a"],
  ];
  for (const [header, uri] of good) {
    const links = parseLinks(header);
    assert.ok(links !== undefined, header);
    assert.equal(findLink(links, "rel", "next")?.uri, uri, header);
  }
  const malformed = [
    "<a",
    "<a> b",
    "; rel=next",
    "<a>; rel=",
    "<a>; rel=; t=1",
    "<a>; =next",
    '<a>; rel="next',
    '"a"; rel=next',
    `<a>; rel=next; t=${"x".repeat(16_384 - 16)}`,
  ];
  for (const header of malformed) assert.equal(parseLinks(header), undefined, header);
  assert.equal(parseLinks('<a>; t="\\a\\""')?.[0]?.params.get("t"), 'a"');
});

test("the next page is on the same origin, without a fragment", () => {
  const url = new URL("https://registry.example/v2/acme/app/tags/list");
  assert.equal(nextPage(url, null), undefined);
  assert.equal(nextPage(url, "<?page=2>; rel=prev"), undefined);
  assert.equal(nextPage(url, "<?page=2#top>; rel=next")?.href, `${url.href}?page=2`);
  const refused: readonly [string, RegExp][] = [
    ["<?page=2", /: the Link header is malformed$/],
    ["<https://[>; rel=next", /: the link is no URL$/],
    ["<https://me@registry.example/>; rel=next", /another origin, https:\/\/registry.example$/],
    ["<https://:pw@registry.example/>; rel=next", /another origin/],
    ["<https://registry.test/>; rel=next", /another origin, https:\/\/registry.test$/],
  ];
  for (const [header, message] of refused) {
    assert.throws(() => nextPage(url, header), (error: unknown) => {
      assert.ok(error instanceof RegistryError && error.status === 200, header);
      assert.match(error.message, message);
      assert.ok(error.message.includes(url.href));
      return true;
    });
  }
});

test("a Link header is read in time that grows with its length", () => {
  const hostile = [
    (n: number) => "<".repeat(n),
    (n: number) => `</a>; rel="${'\\"'.repeat(n)}`,
    (n: number) => `</a>${"; ".repeat(n)}`,
    (n: number) => ",".repeat(n),
    (n: number) => `</a>; rel=${"a".repeat(n)}`,
    (n: number) => " ".repeat(n),
  ];
  for (const make of hostile) {
    const start = Date.now();
    parseLinks(make(8_000));
    parseLinks(make(1_000_000));
    assert.ok(Date.now() - start < 10_000, make(3));
  }
});

/** Serves a list in pages. */
function paged(key: string, pages: readonly unknown[][], link: (page: number) => string): Script {
  return (request) => {
    const page = Number(new URL(request.url).searchParams.get("page") ?? 0);
    const headers = page + 1 < pages.length ? { link: link(page + 1) } : {};
    return Response.json({ name: "acme/app", [key]: pages[page] }, { headers });
  };
}

test("tags come page by page, each once, in the registry's order", async () => {
  const pages = [["b", "a"], ["a", "c"], [], ["d"]];
  const b = bench(
    paged("tags", pages, (page) => `</v2/acme/app/tags/list?page=${page}>; rel="next"`),
  );
  assert.deepEqual(await b.clock.run(collect(b.repository.tags())), ["b", "a", "c", "d"]);
  assert.equal(b.transport.seen[0]?.path, "/v2/acme/app/tags/list?n=1000");
});

test("a page is asked for when it is needed", async () => {
  const pages = [["a", "b"], ["c"]];
  const b = bench(paged("tags", pages, (page) => `<?page=${page}>; rel=next`));
  const tags = b.repository.tags();
  assert.equal((await b.clock.run(tags.next())).value, "a");
  await b.clock.run(tags.return());
  assert.equal(b.transport.seen.length, 1);
});

test("lesson 27: a next page on another origin is refused, and nothing goes there", async () => {
  for (
    const link of [
      "https://evil.test/v2/acme/app/tags/list",
      "http://registry.example/v2/acme/app/tags/list",
      "https://registry.example:444/v2/acme/app/tags/list",
      "https://me:pw@registry.example/v2/acme/app/tags/list",
      "//169.254.169.254/latest",
    ]
  ) {
    const b = bench(paged("tags", [["a"], ["b"]], () => `<${link}>; rel="next"`));
    const error = await failure(b.clock.run(collect(b.repository.tags())));
    assert.ok(error instanceof RegistryError, link);
    assert.equal(b.transport.seen.length, 1, link);
  }
});

test("lesson 27: pages that lead in a circle end", async () => {
  const same = bench(() =>
    Response.json({ tags: ["a"] }, {
      headers: { link: '</v2/acme/app/tags/list?last=a>; rel="next"' },
    })
  );
  assert.deepEqual(await same.clock.run(collect(same.repository.tags())), ["a"]);
  assert.equal(same.transport.seen.length, 2);
  assert.ok(same.events.some(({ type }) => type === "fallback"));
});

test("lesson 27: a list without an end is cut off after 1,000 pages", async () => {
  let page = 0;
  const b = bench(() =>
    Response.json({ repositories: [`r${page}`] }, {
      headers: { link: `</v2/_catalog?page=${++page}>; rel="next"` },
    })
  );
  const error = await failure(b.clock.run(collect(b.registry.catalog())));
  assert.ok(error instanceof LimitExceededError);
  assert.equal(error.limit, 1000);
  assert.equal(b.transport.seen.length, 1000);
});

test("lesson 59: entries that are no tags are left out", async () => {
  const digest = `sha256:${"0".repeat(64)}`;
  const tags = ["1", null, digest, 5, { a: 1 }, "", "bad tag", "x".repeat(129), "ok", "../x"];
  const b = bench(() => Response.json({ tags }));
  assert.deepEqual(await b.clock.run(collect(b.repository.tags())), ["1", "ok"]);
});

test("lesson 59: null and missing lists are empty", async () => {
  for (const page of [{ tags: null }, {}, { tags: [] }]) {
    const b = bench(() => Response.json(page));
    assert.deepEqual(await b.clock.run(collect(b.repository.tags())), []);
  }
});

test("lesson 60: listing tags asks for no manifest", async () => {
  const b = bench(() => Response.json({ tags: ["1", "2"] }));
  await b.clock.run(collect(b.repository.tags()));
  assert.deepEqual(b.transport.seen.map(({ path }) => path), ["/v2/acme/app/tags/list?n=1000"]);
});

test("a registry that refuses a list without a size too is told so once", async () => {
  const b = bench(() => errorResponse(400, "UNSUPPORTED"));
  const error = await failure(b.clock.run(collect(b.repository.tags())));
  assert.ok(error instanceof RegistryError && error.status === 400);
  assert.equal(b.transport.seen.length, 2);
});

test("a page size that the registry refuses is left out", async () => {
  const b = bench((request) =>
    request.url.includes("n=")
      ? errorResponse(400, "PAGINATION_NUMBER_INVALID")
      : Response.json({ repositories: ["acme/app", "NO", null] })
  );
  assert.deepEqual(await b.clock.run(collect(b.registry.catalog())), ["acme/app"]);
  assert.deepEqual(b.transport.seen.map(({ path }) => path), [
    "/v2/_catalog?n=1000",
    "/v2/_catalog",
  ]);
});

test("a repository that is missing is a NotFoundError", async () => {
  const b = bench(() => errorResponse(404, "NAME_UNKNOWN"));
  const error = await failure(b.clock.run(collect(b.repository.tags())));
  assert.ok(error instanceof NotFoundError);
  assert.match(
    error.message,
    /Cannot list the tags of "registry\.example\/acme\/app".*NAME_UNKNOWN/,
  );
});

test("what is no list is not taken for one", async () => {
  const latin1 = Uint8Array.from('{"tags": ["a"], "name": "\xff"}', (char) => char.charCodeAt(0));
  const pages: readonly [string | Uint8Array<ArrayBuffer>, RegExp][] = [
    ["<html>", /text\/html instead of JSON/],
    [latin1, /something instead of JSON/],
    ["[]", /no JSON object/],
    ["null", /no JSON object/],
    ["5", /no JSON object/],
    ['{"tags": "a"}', /tags is no list/],
    ['{"tags": {"a": 1}}', /tags is no list/],
  ];
  // As bytes: a text would have a type of its own.
  const encode = (page: string | Uint8Array<ArrayBuffer>) =>
    typeof page === "string" ? utf8(page) : page;
  for (const [page, message] of pages) {
    const headers = page === "<html>" ? { "content-type": "text/html" } : {};
    const b = bench(() => new Response(encode(page), { headers }));
    const error = await failure(b.clock.run(collect(b.repository.tags())));
    assert.ok(error instanceof RegistryError, String(page));
    assert.match(error.message, message);
  }
});

test("a page has a limit of 16 MiB", async () => {
  const b = bench(() => new Response(new Uint8Array(16 * 1024 * 1024 + 1)));
  assert.ok(await failure(b.clock.run(collect(b.repository.tags()))) instanceof LimitExceededError);
});

test("lists ask for the scope they need, and no more", async () => {
  const scopes: (string | null)[] = [];
  const b = bench((request) => {
    const url = new URL(request.url);
    if (url.host === "auth.test") {
      scopes.push(url.searchParams.get("scope"));
      return Response.json({ token: "t" });
    }
    if (!request.headers.has("authorization")) {
      const challenge = 'Bearer realm="https://auth.test/token",service="s"';
      return errorResponse(401, "UNAUTHORIZED", { "www-authenticate": challenge });
    }
    return Response.json({ tags: [], repositories: [] });
  });
  await b.clock.run(collect(b.repository.tags()));
  await b.clock.run(collect(b.registry.catalog()));
  assert.deepEqual(scopes, ["repository:acme/app:pull", "registry:catalog:*"]);
  assert.ok(b.transport.seen.every(({ url }) => [HOST, "auth.test"].includes(new URL(url).host)));
});
