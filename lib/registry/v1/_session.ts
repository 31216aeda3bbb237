import { basicAuthorization } from "../../auth/authorization.ts";
import { ANONYMOUS, type Credentials } from "../../auth/credentials.ts";
import { AuthenticationError } from "../../model/errors.ts";
import { type Answer, createClient, discard } from "../client.ts";
import { endpointOf } from "../endpoint.ts";
import { answerError } from "../errors.ts";
import type { Gate } from "../lanes.ts";
import { checkLocation } from "../redirect.ts";
import type { RegistryOptions } from "../registry_options.ts";
import type { Call, Client } from "../request.ts";
import { CookieJar } from "./_cookies.ts";

/** What a session is for. */
export type Access = "read" | "write" | "delete";

/** The most hosts that an index may name; real ones name two or three. */
const MAX_ENDPOINTS = 8;

/** The longest token that is taken; real ones have about 150 characters. */
const MAX_TOKEN_LENGTH = 4096;

const TOKEN_REGEXP = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/** A registry of version 1, as its repositories see it. */
export interface V1Context {
  /** The index: it knows the users, and gives tokens for the hosts that have the content. */
  readonly index: Client;
  readonly options: RegistryOptions;
  readonly lanes: Gate;
}

/** A request of a session; who asks is added to it. */
export type SessionCall = Omit<Call, "url" | "scopes" | "isBare"> & {
  /** The path, which begins with `/v1/`. */
  readonly path: string;
};

/** Finds the credentials for the index, and makes a header of them. */
export async function basicHeader(
  { index, options }: V1Context,
  repository: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Record<string, string>> {
  const { name } = index.endpoint;
  const request = { registry: name, ...(repository === undefined ? {} : { repository }) };
  const credentials: Credentials = await options.credentials?.({ ...request, signal }) ?? ANONYMOUS;
  switch (credentials.kind) {
    case "anonymous":
      return {};
    case "basic":
      return { authorization: basicAuthorization(credentials) };
    default:
      throw new AuthenticationError(
        `Cannot authenticate to ${name}: registries of version 1 take a user name and a password ` +
          `only, not an ${credentials.kind}`,
        { status: 0, method: "GET", url: `${index.endpoint.origin}/v1/` },
      );
  }
}

/** What goes along with a request to the index. */
export interface IndexOptions {
  /** The repository that it is about. */
  readonly repository?: string | undefined;
  /** The cookies of the session. */
  readonly jar?: CookieJar | undefined;
  /** Sends no credentials. */
  readonly isBare?: boolean | undefined;
}

/** Sends a request to the index, with the user's name and password. */
export async function sendToIndex(
  context: V1Context,
  call: SessionCall,
  { repository, jar, isBare = false }: IndexOptions = {},
): Promise<Answer> {
  const { path, headers, ...rest } = call;
  const { index } = context;
  const proof = isBare ? {} : await basicHeader(context, repository, call.signal);
  const cookie = jar?.header(index.endpoint.origin);
  const answer = await index.send({
    ...rest,
    url: index.url(path),
    scopes: [],
    isBare: true,
    headers: {
      ...headers,
      ...proof,
      ...(cookie === undefined ? {} : { cookie }),
    },
  });
  jar?.keep(answer.url.origin, answer.headers);
  return answer;
}

/**
 * One conversation about one repository: the token that the index has given, the hosts that it has
 * named, and their cookies. The password goes to the index only, the token to those hosts only.
 */
export class V1Session {
  readonly #context: V1Context;
  readonly #repository: string;
  readonly #jar: CookieJar;
  readonly #hosts: readonly Client[];
  #token: string | undefined;

  /** Takes over what the index has answered. */
  constructor(context: V1Context, repository: string, answer: Answer, jar: CookieJar) {
    this.#context = context;
    this.#repository = repository;
    this.#jar = jar;
    this.#hosts = hostsOf(context, answer);
    this.#learn(answer);
  }

  /** The hosts that have the content; the index says so to itself when a push is over. */
  get hostNames(): string {
    const hosts = this.#hosts.length > 0 ? this.#hosts : [this.#context.index];
    return hosts.map(({ endpoint }) => new URL(endpoint.origin).host).join(", ");
  }

  /**
   * Sends a request to the host that has the content. Where one breaks down the next one is read from;
   * a refusal is an answer.
   */
  async send(call: SessionCall): Promise<Answer> {
    const [first, ...rest] = this.#hosts;
    // What is written stays with one host: it may not share its content with the others at once.
    const others = call.method === "GET" || call.method === "HEAD" ? rest : [];
    let host = first ?? this.#context.index;
    for (;;) {
      const next = others.shift();
      try {
        const answer = await this.#sendTo(host, call);
        if (answer.status < 500 || next === undefined) return answer;
        discard(answer);
      } catch (error) {
        if (next === undefined || call.signal?.aborted) throw error;
      }
      host = next;
    }
  }

  /** The client of the first host, for downloads that are resumed. */
  get host(): Client {
    return this.#hosts[0] ?? this.#context.index;
  }

  /** What shows a host who asks. */
  async headersFor(
    host: Client,
    signal: AbortSignal | undefined,
  ): Promise<Record<string, string>> {
    const cookie = this.#jar.header(host.endpoint.origin);
    const isIndex = host.endpoint.origin === this.#context.index.endpoint.origin;
    const proof = this.#token !== undefined
      ? { authorization: `Token ${this.#token}` }
      : isIndex
      ? await basicHeader(this.#context, this.#repository, signal)
      : {};
    return { ...proof, ...(cookie === undefined ? {} : { cookie }) };
  }

  async #sendTo(host: Client, { path, headers, ...rest }: SessionCall): Promise<Answer> {
    const own = await this.headersFor(host, rest.signal);
    const url = host.url(path);
    const all = { ...headers, ...own };
    const answer = await host.send({ ...rest, url, scopes: [], isBare: true, headers: all });
    this.#learn(answer);
    return answer;
  }

  /** Keeps cookies, and the token that takes the place of the one before. */
  #learn(answer: Answer): void {
    this.#jar.keep(answer.url.origin, answer.headers);
    const token = answer.headers.get("x-docker-token")?.trim() ?? "";
    const isToken = token.length <= MAX_TOKEN_LENGTH && TOKEN_REGEXP.test(token);
    if (isToken && !answer.isForeign) this.#token = token;
  }
}

/** The hosts that an index names; without any it is its own. Names that would lead inside fail. */
function hostsOf({ index, options, lanes }: V1Context, answer: Answer): Client[] {
  const named = (answer.headers.get("x-docker-endpoints") ?? "").split(",")
    .map((host) => host.trim()).filter((host) => host !== "").slice(0, MAX_ENDPOINTS);
  const { protocol, origin } = new URL(index.endpoint.origin);
  const { method, status } = answer;
  const action = `use the hosts that ${index.endpoint.name} names`;
  return named.map((host) => {
    const from = { action, method, status, url: answer.url };
    const { host: name } = checkLocation(`${protocol}//${host}/v1/`, from, index.redirects);
    const endpoint = endpointOf(name, protocol === "http:");
    // Headers of the caller may be secrets of the index.
    const own = endpoint.origin === origin ? options : { ...options, headers: {} };
    return createClient(endpoint, own, lanes);
  });
}

/** How a session begins: reading asks for the images, writing and deleting announce what they do. */
const OPENINGS = {
  read: { method: "GET", suffix: "/images", accepted: [200, 404] },
  write: { method: "PUT", suffix: "/", accepted: [200, 201] },
  delete: { method: "DELETE", suffix: "/", accepted: [200, 202] },
} as const;

/** What a session begins with, and the answer of the index. */
export interface OpenedSession {
  readonly session: V1Session;
  readonly answer: Answer;
}

/**
 * Opens a session with the index. A registry without one is its own index; those that answer 404 to
 * a question about images are asked all the same, because some need the cookie of the answer.
 */
export async function openSession(
  context: V1Context,
  repository: string,
  access: Access,
  call: Pick<Call, "action" | "body" | "signal">,
): Promise<OpenedSession> {
  const { method, suffix, accepted } = OPENINGS[access];
  const jar = new CookieJar();
  const answer = await sendToIndex(
    context,
    {
      ...call,
      method,
      path: `/v1/repositories/${repository}${suffix}`,
      lane: "metadata",
      headers: {
        "x-docker-token": "true",
        accept: "application/json",
        ...(call.body === undefined ? {} : { "content-type": "application/json" }),
      },
    },
    { repository, jar },
  );
  if (!accepted.some((status) => status === answer.status)) {
    throw await answerError(answer, call.action, context.index.clock);
  }
  return { session: new V1Session(context, repository, answer, jar), answer };
}
