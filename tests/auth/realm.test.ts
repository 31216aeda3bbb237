import { test } from "node:test";
import assert from "node:assert/strict";
import { canonicalAddress, checkRealm, isPrivateHost } from "../../lib/auth/mod.ts";
import { corpusJSON } from "../support/corpus.ts";

interface Table {
  readonly realmAllowed: readonly {
    readonly realm: string;
    readonly registryHost: string;
    readonly insecure: boolean;
    readonly rejected: boolean;
  }[];
  readonly canonicalAddress: readonly {
    readonly address: string;
    readonly scheme: "http" | "https";
    readonly expected: string;
  }[];
}

const table = () => corpusJSON<Table>("tables/auth-challenge.json");

test("checkRealm() refuses and allows what go-containerregistry does", async () => {
  const { realmAllowed } = await table();
  for (const { realm, registryHost, insecure, rejected } of realmAllowed) {
    const origin = `${insecure ? "http" : "https"}://${registryHost || "other.example"}`;
    const { url, refused } = checkRealm(realm, { origin });
    assert.equal(refused !== undefined, rejected, `${realm} of ${origin}: ${refused}`);
    assert.equal(url?.href, rejected ? undefined : realm, `${realm} of ${origin}`);
  }
  assert.equal(realmAllowed.length, 18);
});

test("canonicalAddress() completes what go-containerregistry completes", async () => {
  const rows = (await table()).canonicalAddress;
  for (const { address, scheme, expected } of rows) {
    assert.equal(canonicalAddress(address, scheme), expected, `${scheme} ${address}`);
  }
  assert.equal(rows.length, 13);
});

test("checkRealm() sees through every spelling of an address", () => {
  const realms = [
    "http://169.254.169.254/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[::7f00:1]/",
    "https://[64:ff9b::10.0.0.1]/",
    "https://[2002:7f00:1::]/",
    "https://[fe80::1]/",
    "https://[fd00:ec2::254]/",
    "https://[ff02::1]/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://127.0.0.1./",
    "https://\uff4cocalhost/",
    "https://localhost./",
    "https://api.localhost/",
    "https://172.31.255.255/",
    "https://100.100.100.200/",
    "https://192.0.0.192/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
  ];
  for (const realm of realms) {
    assert.ok(checkRealm(realm, { origin: "https://r.example" }).refused, realm);
  }
});

test("isPrivateHost() knows every way to write an IPv4 address within IPv6, and nothing more", () => {
  const rows: readonly (readonly [host: string, isPrivate: boolean])[] = [
    ["[::ffff:0:a00:1]", true], // translated, RFC 2765
    ["[::ffff:0:808:808]", false],
    ["[::ffff:1:a00:1]", false],
    ["[::1234:0:a00:1]", false],
    ["[1::ffff:0:a00:1]", false],
    ["[::abcd:a00:1]", false],
    ["[64:ff9b:1::808:808]", true], // RFC 8215
    ["[64:ff9a::a00:1]", false],
    ["[63:ff9b::a00:1]", false],
    ["[fd00:1:2:3:4:5:6:7]", true],
    ["[2001:4860:1:2:3:4:5:6]", false],
  ];
  for (const [host, isPrivate] of rows) {
    assert.equal(isPrivateHost(new URL(`https://${host}`).hostname), isPrivate, host);
  }
});

test("checkRealm() refuses a realm with a password, also without a user name", () => {
  for (const user of ["u:p", "u", ":p"]) {
    const { refused = "" } = checkRealm(`https://${user}@auth.example/`, {
      origin: "https://r.example",
    });
    assert.match(refused, /holds a user name/);
  }
});

test("isPrivateHost() lets public addresses and names pass", () => {
  const hosts = [
    ...["8.8.8.8", "172.15.0.1", "172.32.0.1", "100.63.255.255", "100.128.0.1", "11.0.0.1"],
    ...["192.167.1.1", "126.255.255.255", "223.255.255.255", "[2606:4700::1111]"],
    ...["[::ffff:808:808]", "[64:ff9b::808:808]", "[2002:808:808::1]"],
    ...["auth.docker.io", "127.0.0.1.evil.example", "localhost.evil.example", "10.example"],
  ];
  for (const host of hosts) {
    assert.equal(isPrivateHost(new URL(`https://${host}`).hostname), false, host);
  }
});

test("checkRealm() refuses user names, other schemes and what is no URL", () => {
  const realms = [
    "https://user:secret@auth.example/",
    "https://user@auth.example/",
    "file:///etc/passwd",
    "data:application/json,{}",
    "javascript:alert(1)",
    "https://",
    "https://auth.example:99999/",
  ];
  for (const realm of realms) {
    const { refused } = checkRealm(realm, { origin: "https://r.example" });
    assert.ok(refused, realm);
    assert.doesNotMatch(refused, /secret/);
  }
});

test("checkRealm() takes a relative realm as one of the registry", () => {
  const check = (realm: string) => checkRealm(realm, { origin: "https://r.example:8443" });
  assert.equal(check("/token").url?.href, "https://r.example:8443/token");
  assert.equal(check("/token?a=b#c").url?.href, "https://r.example:8443/token?a=b");
  assert.equal(check("//auth.example/token").url?.href, "https://auth.example/token");
  assert.ok(check("//10.0.0.1/token").refused);
});

test("checkRealm() allows http on the host of a plain registry only", () => {
  const plain = { origin: "http://r.example:5000" };
  assert.ok(checkRealm("http://r.example:5001/token", plain).url);
  assert.ok(checkRealm("https://auth.example/token", plain).url);
  assert.ok(checkRealm("http://auth.example/token", plain).refused);
  assert.ok(checkRealm("http://r.example:5001/token", { ...plain, plainHTTP: false }).refused);
  assert.ok(checkRealm("http://r.example/token", { origin: "https://r.example" }).refused);
});

test("checkRealm() trusts the origins that the caller has named", () => {
  const origin = "http://127.0.0.1:5000";
  const realm = "http://127.0.0.1:5001/token";
  assert.ok(checkRealm(realm, { origin }).refused);
  assert.ok(checkRealm(realm, { origin, allowedRealms: ["http://127.0.0.1:5001"] }).url);
  assert.ok(checkRealm(realm, { origin, allowedRealms: ["http://127.0.0.1:5002"] }).refused);
});
