/** Which hosts get the credentials of which cloud: their own exact names, and none that look alike. */
import { test } from "node:test";
import assert from "node:assert/strict";
import type { CredentialProvider } from "../../lib/auth/mod.ts";
import {
  azureCredentials,
  ecrCredentials,
  type ECRRegistry,
  githubCredentials,
  googleCredentials,
  isAzureHost,
  isGoogleHost,
  parseECRHost,
} from "../../lib/auth/mod.ts";
import { scripted } from "./scripted.ts";

const ACCOUNT = "123456789012";

const ECR: readonly (readonly [host: string, region: string, endpoint: string])[] = [
  [`${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com`, "us-east-1", "api.ecr.us-east-1.amazonaws.com"],
  [
    `${ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com:443`,
    "eu-central-1",
    "api.ecr.eu-central-1.amazonaws.com",
  ],
  [
    `${ACCOUNT}.DKR.ecr.eu-central-1.amazonaws.com`,
    "eu-central-1",
    "api.ecr.eu-central-1.amazonaws.com",
  ],
  [
    `${ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com.cn`,
    "cn-north-1",
    "api.ecr.cn-north-1.amazonaws.com.cn",
  ],
  [
    `${ACCOUNT}.dkr.ecr.us-gov-west-1.amazonaws.com`,
    "us-gov-west-1",
    "api.ecr.us-gov-west-1.amazonaws.com",
  ],
  [
    `${ACCOUNT}.dkr.ecr-fips.us-east-1.amazonaws.com`,
    "us-east-1",
    "ecr-fips.us-east-1.amazonaws.com",
  ],
  [
    `${ACCOUNT}.dkr.ecr-fips.us-gov-west-1.amazonaws.com`,
    "us-gov-west-1",
    "ecr-fips.us-gov-west-1.amazonaws.com",
  ],
  [`${ACCOUNT}.dkr-ecr.eu-west-1.on.aws`, "eu-west-1", "ecr.eu-west-1.api.aws"],
  [`${ACCOUNT}.dkr-ecr-fips.us-east-2.on.aws`, "us-east-2", "ecr-fips.us-east-2.api.aws"],
  [
    `${ACCOUNT}.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn`,
    "cn-north-1",
    "ecr.cn-north-1.api.amazonwebservices.com.cn",
  ],
  [
    `${ACCOUNT}.dkr.ecr.eusc-de-east-1.amazonaws.eu`,
    "eusc-de-east-1",
    "api.ecr.eusc-de-east-1.amazonaws.eu",
  ],
  [
    `${ACCOUNT}.dkr.ecr.us-iso-east-1.c2s.ic.gov`,
    "us-iso-east-1",
    "api.ecr.us-iso-east-1.c2s.ic.gov",
  ],
  [
    `${ACCOUNT}.dkr.ecr.us-isob-east-1.sc2s.sgov.gov`,
    "us-isob-east-1",
    "api.ecr.us-isob-east-1.sc2s.sgov.gov",
  ],
];

const GOOGLE = [
  ...["gcr.io", "eu.gcr.io", "us.gcr.io", "asia.gcr.io", "marketplace.gcr.io", "GCR.io:443"],
  ...["us-docker.pkg.dev", "europe-west1-docker.pkg.dev", "us-central1-docker.pkg.dev"],
];

const LONGEST = "a".repeat(63);
const AZURE = [
  `${LONGEST}.azurecr.io`,
  "acme.azurecr.io",
  "acme.azurecr.cn",
  "acme.azurecr.us",
  "acme-d0e1f2.azurecr.io",
];

const GITHUB = ["ghcr.io", "GHCR.io", "ghcr.io:443", "docker.pkg.github.com"];

/** Names that an attacker could have, or that lead elsewhere, made of a good one. */
function lookAlikes(host: string): string[] {
  const bare = host.toLowerCase().replace(/:443$/, "");
  return [
    `${bare}.attacker.dev`,
    `evil-${bare}.attacker.dev`,
    `attacker.dev.${bare}.attacker.dev`,
    `${bare}:8443`,
    `${bare}:80`,
    `${bare}.`,
    `${bare}@attacker.dev`,
    `attacker.dev/${bare}`,
    `attacker.dev#${bare}`,
    `${bare}/x`,
    `${bare}\n`,
    ` ${bare}`,
    `${bare}\0.attacker.dev`,
    bare.replace(/\./g, "-"),
    bare.replace(/\.(?=[a-z]+$)/, "x."),
    bare.replace(/[a-z]+$/, "dev2"),
    `https://${bare}`,
  ];
}

const OTHERS = [
  ...[
    "",
    "docker.io",
    "localhost:5000",
    "quay.io",
    "r.example",
    "169.254.169.254",
    "amazonaws.com",
  ],
  ...["ecr.us-east-1.amazonaws.com", "azurecr.io", "pkg.dev", "github.com", "google.com"],
];

const NOT_ECR = [
  `evil-${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com`,
  `x${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com`,
  `a.${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com`,
  `evil-${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com.attacker.dev`,
  "12345678901.dkr.ecr.us-east-1.amazonaws.com",
  "1234567890123.dkr.ecr.us-east-1.amazonaws.com",
  "12345678901a.dkr.ecr.us-east-1.amazonaws.com",
  "1234567890123.dkr-ecr.us-east-1.on.aws",
  "12345678901a.dkr-ecr.us-east-1.on.aws",
  `${ACCOUNT}.dkr.ecr.${"r".repeat(64)}.amazonaws.com`,
  `${ACCOUNT}.dkr-ecr.${"r".repeat(64)}.on.aws`,
  `${ACCOUNT}.dkr.ecr.us-east-1.s3.amazonaws.com`,
  `${ACCOUNT}.dkr.ecr.attacker.dev?.amazonaws.com`,
  `${ACCOUNT}.dkr.ecr.attacker.dev/.amazonaws.com`,
  `${ACCOUNT}.dkr.ecr..amazonaws.com`,
  `${ACCOUNT}.dkr.ecr.-x.amazonaws.com`,
  `${ACCOUNT}.dkr.ecr.us_east.amazonaws.com`,
  `${ACCOUNT}.dkrXecr.us-east-1.amazonaws.com`,
  `${ACCOUNT}.dkr.ecr.us-east-1.amazonawsXcom`,
  `${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com.cn.attacker.dev`,
  `${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com.ru`,
  `${ACCOUNT}.dkr-ecr.us-east-1.amazonaws.com`,
  `${ACCOUNT}.dkr.ecr.us-east-1.on.aws`,
  "evil.public.ecr.aws",
  "public.ecr.aws.attacker.dev",
  `${ACCOUNT.replace("1", "\u0661")}.dkr.ecr.us-east-1.amazonaws.com`,
];

test("parseECRHost() knows the registries of every partition, and their APIs", () => {
  for (const [host, region, api] of ECR) {
    const expected: ECRRegistry = { service: "ecr", region, endpoint: `https://${api}/` };
    assert.deepEqual(parseECRHost(host), expected, host);
  }
  assert.deepEqual(parseECRHost("public.ecr.aws"), {
    service: "ecr-public",
    region: "us-east-1",
    endpoint: "https://api.ecr-public.us-east-1.amazonaws.com/",
  });
});

test("parseECRHost() knows no host that looks alike", () => {
  const alike = ECR.flatMap(([host]) => lookAlikes(host));
  for (const host of [...NOT_ECR, ...alike, ...OTHERS, ...GOOGLE, ...AZURE, ...GITHUB]) {
    assert.equal(parseECRHost(host), undefined, JSON.stringify(host));
  }
});

test("isGoogleHost() knows Google's registries, and none that looks alike", () => {
  for (const host of GOOGLE) assert.ok(isGoogleHost(host), host);
  const wrong = [
    ...["evilgcr.io", "gcr.io.evil.dev", "a.b.gcr.io", "evil-gcr.io", "docker.pkg.dev"],
    ...["x.us-docker.pkg.dev", "us-docker.pkg.dev.evil.dev", "us-dockerpkg.dev", "us-npm.pkg.dev"],
    ...["-docker.pkg.dev", "us.docker.pkg.dev", ".gcr.io"],
  ];
  const alike = GOOGLE.flatMap(lookAlikes);
  for (const host of [...wrong, ...alike, ...OTHERS, ...AZURE, ...GITHUB]) {
    assert.ok(!isGoogleHost(host), JSON.stringify(host));
  }
});

test("isAzureHost() knows Azure's registries, and none that looks alike", () => {
  for (const host of AZURE) assert.ok(isAzureHost(host), host);
  const wrong = [
    ...["evil.dev.azurecr.io", "a.b.azurecr.io", "acme.azurecr.io.evil.dev", "acmeazurecr.io"],
    ...["acme.azurecr.com", "acme.azurecr.dev", ".azurecr.io", "acme.eastus.data.azurecr.io"],
    ...["acm.azurecr.io", `${LONGEST}a.azurecr.io`],
    ...["-acme.azurecr.io", "ac_me.azurecr.io", "acme.azurecr.io.", "mcr.microsoft.com"],
  ];
  const alike = AZURE.flatMap(lookAlikes);
  for (const host of [...wrong, ...alike, ...OTHERS, ...GOOGLE, ...GITHUB]) {
    assert.ok(!isAzureHost(host), JSON.stringify(host));
  }
});

test("no provider asks anybody, or tells anything, for the registry of somebody else", async () => {
  const transport = scripted({});
  const token = () => Promise.reject(new Error("nobody asks"));
  const providers: readonly (readonly [CredentialProvider, readonly string[]])[] = [
    [
      ecrCredentials({ transport, credentials: () => Promise.reject(new Error("nobody asks")) }),
      [...ECR.flatMap(([host]) => lookAlikes(host)), ...NOT_ECR, ...GOOGLE, ...AZURE, ...GITHUB],
    ],
    [
      googleCredentials({ transport, accessToken: token }),
      [...GOOGLE.flatMap(lookAlikes), ...AZURE, ...GITHUB],
    ],
    [
      azureCredentials({ transport, accessToken: token }),
      [...AZURE.flatMap(lookAlikes), ...GOOGLE, ...GITHUB],
    ],
    [githubCredentials({ token }), [...GITHUB.flatMap(lookAlikes), ...GOOGLE, ...AZURE]],
    [githubCredentials({ token: "ghp_x" }), [
      ...GITHUB.flatMap(lookAlikes),
      "maven.pkg.github.com",
    ]],
  ];
  for (const [provider, hosts] of providers) {
    for (const registry of [...hosts, ...OTHERS]) {
      assert.deepEqual(
        await provider({ registry }),
        { kind: "anonymous" },
        JSON.stringify(registry),
      );
    }
  }
  assert.equal(transport.seen.length, 0);
});

test("githubCredentials() gives the token to the hosts that were named instead", async () => {
  const named = githubCredentials({ token: "t", hosts: ["containers.github.acme.dev"] });
  assert.deepEqual(await named({ registry: "containers.github.acme.dev" }), {
    kind: "basic",
    username: "x-access-token",
    password: "t",
  });
  assert.equal((await named({ registry: "ghcr.io" })).kind, "anonymous");
  const own = githubCredentials({ token: "t", username: "acme" });
  for (const registry of GITHUB) {
    assert.deepEqual(await own({ registry }), { kind: "basic", username: "acme", password: "t" });
  }
});
