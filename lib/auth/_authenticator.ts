import { AuthenticationError } from "../model/errors.ts";
import { SingleFlight } from "../bytes/single_flight.ts";
import { untilAborted } from "../bytes/until_aborted.ts";
import { isHeaderToken } from "./authorization.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import { ANONYMOUS, type Credentials, identityOf, sameCredentials } from "./credentials.ts";
import { checkRealm, type RealmPolicy } from "./realm.ts";
import { coversScopes, mergeScopes, parseScope, scopeKey } from "./scope.ts";
import { authorizationOf, NO_PROOF, type Proof, proofSecrets, type TokenServer } from "./_proof.ts";
import { fetchToken, type Token } from "./token.ts";
import { TokenCache, type TokenKey } from "./token_cache.ts";
import type {
  AuthenticatedSendOptions,
  Authenticator,
  AuthenticatorOptions,
} from "./authenticator.ts";
import { redactURL } from "../model/redact.ts";
import { describeChallenges, redactSecrets } from "./_redact.ts";
import { RecentMap } from "../bytes/recent_map.ts";
import { describeDiagnostics, discard, readDiagnostics } from "./_reply.ts";

/** Old token, token of a neighbour, new token, token for more: no honest registry needs a fifth. */
const MAX_TRIES = 5;

/** Repositories whose credentials and extra scopes are remembered. */
const MAX_REPOSITORIES = 256;

/** What a registry wants: by its own words about a request, or by its `/v2/`. */
interface Demand {
  readonly challenges: readonly Challenge[];
  /** The scopes of `/v2/` are placeholders (GHCR: `repository:user/image:pull`). */
  readonly hasScopes: boolean;
}

/** One request with all its tries. */
interface Task {
  readonly scopes: readonly string[];
  readonly repository: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/** A way to answer a demand, or why there is none. */
type Answer =
  | { readonly proof: Proof; readonly reason?: undefined }
  | { readonly proof?: undefined; readonly reason: string };

function resourceOf(text: string): string {
  const scope = parseScope(text);
  return scope === undefined ? text : `${scope.type}:${scope.name}`;
}

function isPing(url: string): boolean {
  return /^\/v2\/?$/.test(new URL(url).pathname);
}

export class RegistryAuthenticator implements Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #origin: string;
  readonly #policy: RealmPolicy;
  readonly #tokens: TokenCache;
  readonly #asking = new SingleFlight<string, Credentials>();
  /** By repository: the credentials that were found last. */
  readonly #credentials = new RecentMap<string, Credentials>(MAX_REPOSITORIES);
  /** By the scopes of an operation: those that the registry really wants for it. */
  readonly #learned = new RecentMap<string, readonly string[]>(MAX_REPOSITORIES);
  /** By identity: the refresh token that has replaced it. */
  readonly #rotated = new RecentMap<string, string>(MAX_REPOSITORIES);
  readonly #isRegistry: boolean;
  /** What the registry was content with last. */
  #scheme: "basic" | "registry-token" | TokenServer | undefined;

  /**
   * @param options The registry and its credentials.
   * @param isRegistry Whether the host has a `/v2/` that can be asked; hosts of redirects have none.
   */
  constructor(options: AuthenticatorOptions, isRegistry: boolean = true) {
    const { origin, plainHTTP, allowedRealms, now } = options;
    this.#options = options;
    this.#isRegistry = isRegistry;
    this.#origin = new URL(origin).origin;
    this.#policy = { origin: this.#origin, plainHTTP, allowedRealms };
    this.#tokens = options.tokens ?? new TokenCache({ now });
  }

  async send(make: () => Request, options: AuthenticatedSendOptions = {}): Promise<Response> {
    const { signal, replayable = true } = options;
    signal?.throwIfAborted();
    const scopes = mergeScopes(options.scopes ?? []);
    const repository = scopes.map(parseScope)
      .find((scope) => scope?.type.startsWith("repository"))?.name;
    const task: Task = { scopes, repository, signal };
    let request = make();
    if (new URL(request.url).origin !== this.#origin) return this.#options.transport(request);
    let proof = await this.#knownProof(task);
    if (!replayable && proof.kind === "none") {
      const demand = await this.#pingDemand(signal);
      if (demand.challenges.length > 0) {
        const { proof: found, reason } = await this.#answer(task, demand, proof);
        if (found === undefined) throw this.#error(request, task, demand, reason);
        proof = found;
      }
    }
    const tried = new Set<string>();
    for (let tries = 1;; tries++) {
      if (proof.kind === "bearer" && proof.isFresh) tried.add(scopeKey(proof.key.scopes));
      const authorization = authorizationOf(proof);
      if (authorization !== undefined) request.headers.set("authorization", authorization);
      const response = await this.#options.transport(request);
      // ECR answers 403 to a password that has expired (flipt-io/flipt#3043).
      const isOver = response.status === 403 && replayable && proof.kind === "basic" &&
        !sameCredentials(await this.#ask(task), proof.credentials);
      if (response.status !== 401 && !isOver) {
        this.#remember(task, proof, response);
        return response;
      }
      const demand = await this.#demandOf(request, response, signal);
      if (!replayable) {
        this.#forget(proof);
        const reason = "the registry wants other credentials, and the body can be sent only once";
        throw await this.#refusal(request, task, response, demand, proof, reason);
      }
      const { proof: next, reason } = tries < MAX_TRIES
        ? await this.#answer(task, demand, proof, tried)
        : { reason: "the registry keeps refusing" };
      if (next === undefined) {
        throw await this.#refusal(request, task, response, demand, proof, reason);
      }
      await discard(response);
      proof = next;
      request = make();
    }
  }

  /** What can go along before the registry has said anything about this request. */
  async #knownProof(task: Task): Promise<Proof> {
    const scheme = this.#scheme;
    if (scheme === undefined) return NO_PROOF;
    const known = this.#credentials.get(task.repository ?? "");
    if (typeof scheme === "object") {
      const scopes = this.#learned.get(scopeKey(task.scopes)) ?? task.scopes;
      return await this.#bearer(task, scheme, scopes, known);
    }
    const credentials = known ?? await this.#ask(task);
    return this.#direct(credentials) ?? NO_PROOF;
  }

  /** Proof that needs no token server. */
  #direct(credentials: Credentials): Proof | undefined {
    if (credentials.kind === "basic") return { kind: "basic", credentials };
    if (credentials.kind !== "registry-token") return undefined;
    if (!isHeaderToken(credentials.token)) {
      throw new TypeError(
        `Cannot authenticate to ${this.#options.registry}: the registry token is no header value`,
      );
    }
    return { kind: "registry-token", credentials, value: credentials.token };
  }

  /** Asks for credentials; equal questions at the same time are asked once. */
  async #ask(task: Task): Promise<Credentials> {
    const { credentials: provider, registry } = this.#options;
    const { repository, signal } = task;
    const found = provider === undefined ? ANONYMOUS : await this.#asking.run(
      repository ?? "",
      (ours) => provider({ registry, repository, signal: ours }),
      signal,
    );
    this.#credentials.set(repository ?? "", found);
    return found;
  }

  /** Finds a token for scopes: a kept one for the credentials known last, or a new one. */
  async #bearer(
    task: Task,
    server: TokenServer,
    scopes: readonly string[],
    known?: Credentials,
  ): Promise<Proof> {
    const keyFor = (credentials: Credentials): TokenKey => ({
      registry: this.#origin,
      realm: server.realm.href,
      service: server.service ?? "",
      identity: identityOf(credentials),
      scopes,
    });
    if (known !== undefined) {
      const key = keyFor(known);
      const token = this.#tokens.get(key);
      if (token) return { kind: "bearer", credentials: known, server, key, token, isFresh: false };
    }
    const credentials = await this.#ask(task);
    if (credentials.kind === "registry-token") return this.#direct(credentials) ?? NO_PROOF;
    const key = keyFor(credentials);
    let isFresh = false;
    const token = await this.#tokens.obtain(
      key,
      (signal) => {
        isFresh = true;
        return this.#exchange(server, scopes, credentials, signal);
      },
      task.signal,
    );
    return { kind: "bearer", credentials, server, key, token, isFresh };
  }

  async #exchange(
    server: TokenServer,
    scopes: readonly string[],
    credentials: Exclude<Credentials, { kind: "registry-token" }>,
    signal: AbortSignal,
  ): Promise<Token> {
    const { transport, registry, clientID, oauth2 } = this.#options;
    const request = { ...server, scopes, registry, policy: this.#policy, clientID, oauth2, signal };
    if (credentials.kind !== "identity-token") {
      const offline = credentials.kind === "basic" && this.#tokens.wantsIdentityTokens;
      return await fetchToken(transport, { ...request, credentials, offline });
    }
    const identity = identityOf(credentials);
    const token = this.#rotated.get(identity) ?? credentials.token;
    try {
      const result = await fetchToken(transport, {
        ...request,
        credentials: { kind: "identity-token", token },
      });
      if (result.refreshToken !== undefined) this.#rotated.set(identity, result.refreshToken);
      return result;
    } catch (error) {
      if (error instanceof AuthenticationError) this.#rotated.delete(identity);
      throw error;
    }
  }

  /** Reads what the registry wants; without a header `/v2/` is asked (GCR, c/image#211). */
  async #demandOf(
    request: Request,
    response: Response,
    signal: AbortSignal | undefined,
  ): Promise<Demand> {
    const challenges = parseChallenges(response.headers.get("www-authenticate"));
    if (challenges.length > 0) return { challenges, hasScopes: !isPing(request.url) };
    const canAsk = this.#isRegistry && !isPing(request.url);
    return canAsk ? await this.#pingDemand(signal) : { challenges, hasScopes: false };
  }

  async #pingDemand(signal: AbortSignal | undefined): Promise<Demand> {
    const { transport } = this.#options;
    const isHidden = transport.traits?.manualRedirect === false;
    const request = new Request(`${this.#origin}/v2/`, {
      redirect: isHidden ? "follow" : "manual",
      signal: signal ?? null,
    });
    const response = await untilAborted(transport(request), request, signal);
    await discard(response);
    const header = response.status === 401 ? response.headers.get("www-authenticate") : null;
    return { challenges: parseChallenges(header), hasScopes: false };
  }

  /** Finds what the registry may be content with, after it has refused `proof`. */
  async #answer(
    task: Task,
    demand: Demand,
    proof: Proof,
    tried: ReadonlySet<string> = new Set(),
  ): Promise<Answer> {
    this.#forget(proof);
    if (proof.kind === "registry-token") return { reason: "it refuses the registry token" };
    const bearer = demand.challenges.find(({ scheme, parameters }) =>
      scheme === "bearer" && parameters.has("realm")
    );
    const basic = demand.challenges.find(({ scheme }) => scheme === "basic");
    if (bearer !== undefined) {
      const checked = checkRealm(bearer.parameters.get("realm") ?? "", this.#policy);
      if (checked.url !== undefined) {
        const server = { realm: checked.url, service: bearer.parameters.get("service") };
        return await this.#answerBearer(task, demand, proof, server, bearer, tried);
      }
      if (basic === undefined) {
        return {
          reason: `its token server is not trusted: ${checked.refused}; see allowedRealms`,
        };
      }
    }
    if (basic === undefined) {
      const isSilent = demand.challenges.length === 0;
      return { reason: isSilent ? "it answered 401 without a challenge" : "no scheme is known" };
    }
    // Harbor answers a push made with a token for less with Basic (containerd#8350).
    if (proof.kind === "bearer" && !proof.isFresh) {
      return { proof: await this.#bearer(task, proof.server, task.scopes) };
    }
    const credentials = await this.#ask(task);
    const next = this.#direct(credentials);
    if (next === undefined) {
      const other = credentials.kind === "anonymous" ? "" : ", and there is an identity token";
      return { reason: `it wants a user name and a password${other}` };
    }
    if (proof.kind === "basic" && sameCredentials(proof.credentials, credentials)) {
      return { reason: "it refuses the user name or the password" };
    }
    return { proof: next };
  }

  async #answerBearer(
    task: Task,
    demand: Demand,
    proof: Proof,
    server: TokenServer,
    challenge: Challenge,
    tried: ReadonlySet<string>,
  ): Promise<Answer> {
    const demanded = demand.hasScopes ? mergeScopes([challenge.parameters.get("scope") ?? ""]) : [];
    const own = new Set(task.scopes.map(resourceOf));
    const related = task.scopes.length === 0
      ? demanded
      : demanded.filter((scope) => own.has(resourceOf(scope)));
    // Some servers read the first scope only; the demanded one is it. Scopes of other repositories
    // are left out: GHCR refuses the whole token for them (containerd#9648).
    let scopes = mergeScopes([...related, ...task.scopes]);
    if (tried.has(scopeKey(scopes)) && !coversScopes(scopes, demanded)) {
      scopes = mergeScopes([...demanded, ...scopes]);
    }
    if (!tried.has(scopeKey(scopes))) return { proof: await this.#bearer(task, server, scopes) };
    const error = redactSecrets(challenge.parameters.get("error") ?? "", proofSecrets(proof));
    const why = error === "" ? "" : ` (${error.slice(0, 64)})`;
    return { reason: `it refuses the token of ${server.realm.host}${why}` };
  }

  #forget(proof: Proof): void {
    if (proof.kind === "bearer") this.#tokens.drop(proof.key, proof.token);
  }

  /** Learns from an answer that was no 401. */
  #remember(task: Task, proof: Proof, response: Response): void {
    if (proof.kind === "none") return;
    if (proof.kind !== "bearer") {
      this.#scheme = proof.kind;
      return;
    }
    this.#scheme = proof.server;
    const wanted = scopeKey(task.scopes);
    // A refusal (403) does not show that the registry was after these scopes.
    if (response.ok && scopeKey(proof.key.scopes) !== wanted) {
      this.#learned.set(wanted, proof.key.scopes);
    }
  }

  async #refusal(
    request: Request,
    task: Task,
    response: Response,
    demand: Demand,
    proof: Proof,
    reason: string,
  ): Promise<AuthenticationError> {
    const secrets = proofSecrets(proof);
    const diagnostics = await readDiagnostics(response, secrets);
    const said = describeDiagnostics(diagnostics);
    const text = said === "" ? reason : `${reason}; it says${said}`;
    return this.#error(request, task, demand, text, proof, diagnostics);
  }

  #error(
    request: Request,
    { repository = "" }: Task,
    demand: Demand,
    reason: string,
    proof: Proof = NO_PROOF,
    diagnostics: AuthenticationError["diagnostics"] = [],
  ): AuthenticationError {
    const { registry } = this.#options;
    const isAnonymous = this.#isRegistry &&
      this.#credentials.get(repository)?.kind === "anonymous";
    return new AuthenticationError(`Cannot authenticate to ${registry}: ${reason}`, {
      credentialsFor: isAnonymous ? registry : undefined,
      status: 401,
      method: request.method,
      url: redactURL(request.url),
      diagnostics,
      challenge: describeChallenges(demand.challenges, proofSecrets(proof)),
    });
  }
}
