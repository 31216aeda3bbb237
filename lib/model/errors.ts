import type { Descriptor } from "./descriptor.ts";
import type { Platform } from "./platform.ts";

const BRAND: unique symbol = Symbol.for("lading.LadingError") as never;

/** Options of every error of lading. */
export interface LadingErrorOptions {
  /** What made it happen. */
  readonly cause?: unknown;
}

/**
 * The base of every error that lading throws on purpose. `code` is stable across versions;
 * messages say what was attempted and why it failed, and hold no secret.
 */
export class LadingError extends Error {
  /** A stable name of the kind of failure. */
  readonly code: string;

  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(code: string, message: string, options: LadingErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.name = new.target.name;
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/**
 * Tells whether a value is an error of lading, also across copies of the library.
 *
 * @param value Any value.
 * @returns Whether it carries lading's brand.
 */
export function isLadingError(value: unknown): value is LadingError {
  return typeof value === "object" && value !== null && BRAND in value;
}

/** Data of the errors that refuse a text or a document. */
export interface InvalidInputOptions extends LadingErrorOptions {
  /** What was refused; long input is cut to 256 characters. */
  readonly input: string;
  /** Where in the input, in characters from 0. */
  readonly position?: number | undefined;
}

/** The base of errors that refuse a text or a document. */
export class InvalidInputError extends LadingError {
  /** What was refused; long input is cut to 256 characters. */
  readonly input: string;
  /** Where in the input, in characters from 0. */
  readonly position: number | undefined;

  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(code: string, message: string, options: InvalidInputOptions) {
    super(code, message, options);
    this.input = options.input.length > 256 ? `${options.input.slice(0, 256)}…` : options.input;
    this.position = options.position;
  }
}

/** Thrown when a text is no image reference. */
export class InvalidReferenceError extends InvalidInputError {
  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(message: string, options: InvalidInputOptions) {
    super("INVALID_REFERENCE", message, options);
  }
}

/** Thrown when a text is no digest, or one of an algorithm that cannot be verified. */
export class InvalidDigestError extends InvalidInputError {
  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(message: string, options: InvalidInputOptions) {
    super("INVALID_DIGEST", message, options);
  }
}

/** Thrown when a text is no platform. */
export class InvalidPlatformError extends InvalidInputError {
  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(message: string, options: InvalidInputOptions) {
    super("INVALID_PLATFORM", message, options);
  }
}

/** Thrown when bytes are no manifest, or one that could be read as two types. */
export class InvalidManifestError extends InvalidInputError {
  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(message: string, options: InvalidInputOptions) {
    super("INVALID_MANIFEST", message, options);
  }
}

/** Thrown when bytes are no image config, or a configuration file cannot be read. */
export class InvalidConfigError extends InvalidInputError {
  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(message: string, options: InvalidInputOptions) {
    super("INVALID_CONFIG", message, options);
  }
}

/** The base of errors about content: missing, different from its descriptor, or of a wrong type. */
export class ContentError extends LadingError {}

/** Thrown when content, a reference or a file is not there. */
export class NotFoundError extends ContentError {
  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(message: string, options: LadingErrorOptions = {}) {
    super("NOT_FOUND", message, options);
  }
}

/** Data of {@linkcode DigestMismatchError}. */
export interface DigestMismatchOptions extends LadingErrorOptions {
  /** What was announced. */
  readonly expected: string;
  /** What came. */
  readonly actual: string;
  /** The descriptor that announced the content. */
  readonly descriptor?: Descriptor | undefined;
}

/** Thrown when bytes do not have the digest they were announced with. */
export class DigestMismatchError extends ContentError {
  /** The digest that was announced. */
  readonly expected: string;
  /** The digest of the bytes that came. */
  readonly actual: string;
  /** The descriptor that announced them. */
  readonly descriptor: Descriptor | undefined;

  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(message: string, options: DigestMismatchOptions) {
    super("DIGEST_MISMATCH", message, options);
    this.expected = options.expected;
    this.actual = options.actual;
    this.descriptor = options.descriptor;
  }
}

/** Data of {@linkcode SizeMismatchError}. */
export interface SizeMismatchOptions extends LadingErrorOptions {
  /** What was announced. */
  readonly expected: number;
  /** What came. */
  readonly actual: number;
  /** The descriptor that announced the content. */
  readonly descriptor?: Descriptor | undefined;
}

/** Thrown when there are more or fewer bytes than announced. */
export class SizeMismatchError extends ContentError {
  /** The number of bytes that was announced. */
  readonly expected: number;
  /** The number of bytes seen; one past the announced size may have been cut off. */
  readonly actual: number;
  /** The descriptor that announced them. */
  readonly descriptor: Descriptor | undefined;

  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(message: string, options: SizeMismatchOptions) {
    super("SIZE_MISMATCH", message, options);
    this.expected = options.expected;
    this.actual = options.actual;
    this.descriptor = options.descriptor;
  }
}

/** Data of {@linkcode PlatformNotFoundError}. */
export interface PlatformNotFoundOptions extends LadingErrorOptions {
  /** The platform that was asked for. */
  readonly wanted: Platform;
  /** The platforms that are there. */
  readonly available: readonly Platform[];
}

/** Thrown when an index has no image for the wanted platform. */
export class PlatformNotFoundError extends ContentError {
  /** The platform that was asked for. */
  readonly wanted: Platform;
  /** The platforms that are there. */
  readonly available: readonly Platform[];

  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(message: string, options: PlatformNotFoundOptions) {
    super("PLATFORM_NOT_FOUND", message, options);
    this.wanted = options.wanted;
    this.available = options.available;
  }
}

/** Thrown when content has a media type that the operation cannot work on. */
export class UnsupportedMediaTypeError extends ContentError {
  /** The media type. */
  readonly mediaType: string;

  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(message: string, options: LadingErrorOptions & { readonly mediaType: string }) {
    super("UNSUPPORTED_MEDIA_TYPE", message, options);
    this.mediaType = options.mediaType;
  }
}

/** The base of errors about archives and compressed streams. */
export class ArchiveError extends LadingError {}

/** Thrown when a tar archive breaks the rules of its format. */
export class InvalidTarError extends ArchiveError {
  /** Bytes from the start of the archive to the header that is wrong. */
  readonly offset: number;

  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(message: string, options: LadingErrorOptions & { readonly offset: number }) {
    super("INVALID_TAR", message, options);
    this.offset = options.offset;
  }
}

/** Thrown when a path of an archive would lead out of its root. */
export class UnsafePathError extends ArchiveError {
  /** The path as the archive has it. */
  readonly path: string;
  /** Why it is refused. */
  readonly reason: string;

  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(
    message: string,
    options: LadingErrorOptions & { readonly path: string; readonly reason: string },
  ) {
    super("UNSAFE_PATH", message, options);
    this.path = options.path;
    this.reason = options.reason;
  }
}

/** Thrown when input is larger, deeper or longer than a limit allows. */
export class LimitExceededError extends ArchiveError {
  /** The limit. */
  readonly limit: number;
  /** What is counted: `bytes`, `entries`, `levels`. */
  readonly unit: string;

  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(
    message: string,
    options: LadingErrorOptions & { readonly limit: number; readonly unit: string },
  ) {
    super("LIMIT_EXCEEDED", message, options);
    this.limit = options.limit;
    this.unit = options.unit;
  }
}

/** Thrown when a compressed stream is damaged or cut short. */
export class CorruptStreamError extends ArchiveError {
  /** Compressed bytes from the start up to which the stream was good, where known. */
  readonly offset: number | undefined;

  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(message: string, options: LadingErrorOptions & { readonly offset?: number } = {}) {
    super("CORRUPT_STREAM", message, options);
    this.offset = options.offset;
  }
}

/** One entry of a registry's error body (distribution-spec, error codes). */
export interface Diagnostic {
  /** The code, such as `MANIFEST_UNKNOWN`. */
  readonly code: string;
  /** The registry's words. */
  readonly message: string;
  /** More data, of any shape. */
  readonly detail?: unknown;
}

/** Data of {@linkcode RegistryError}. */
export interface RegistryErrorOptions extends LadingErrorOptions {
  /** The HTTP status, or 0 when there was no answer. */
  readonly status: number;
  /** The method of the request. */
  readonly method: string;
  /** The URL; queries and user names are cut out before it gets here. */
  readonly url: string;
  /** What the registry said. */
  readonly diagnostics?: readonly Diagnostic[] | undefined;
  /** How long to wait, in milliseconds. */
  readonly retryAfter?: number | undefined;
}

/** Thrown when a registry answers with an error, with something that is no answer, or not at all. */
export class RegistryError extends LadingError {
  /** The HTTP status, or 0 when there was no answer. */
  readonly status: number;
  /** The method of the request. */
  readonly method: string;
  /** The URL of the request without query and user name. */
  readonly url: string;
  /** What the registry said. */
  readonly diagnostics: readonly Diagnostic[];
  /** How long the registry asked to wait, in milliseconds. */
  readonly retryAfter: number | undefined;

  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(message: string, options: RegistryErrorOptions, code = "REGISTRY_ERROR") {
    super(code, message, options);
    this.status = options.status;
    this.method = options.method;
    this.url = options.url;
    this.diagnostics = options.diagnostics ?? [];
    this.retryAfter = options.retryAfter;
  }
}

/** Data of {@linkcode AuthenticationError}. */
export interface AuthenticationErrorOptions extends RegistryErrorOptions {
  /** The `WWW-Authenticate` header that could not be satisfied. */
  readonly challenge?: string | undefined;
  /** The registry that credentials are needed for; absent where there were some. */
  readonly credentialsFor?: string | undefined;
}

/** Thrown when credentials are missing or wrong (401). */
export class AuthenticationError extends RegistryError {
  /** The `WWW-Authenticate` header that could not be satisfied. */
  readonly challenge: string | undefined;
  /**
   * The registry that credentials are needed for, by the name that they are kept under: `docker.io`;
   * absent where there were some.
   */
  readonly credentialsFor: string | undefined;

  /** Makes the error; the message says what was attempted and why it failed, and what is needed. */
  constructor(message: string, options: AuthenticationErrorOptions) {
    const { challenge, credentialsFor } = options;
    const advice = credentialsFor === undefined
      ? ""
      : "; credentials are needed, see the option credentials";
    super(message + advice, options, "AUTHENTICATION_FAILED");
    this.challenge = challenge;
    this.credentialsFor = credentialsFor;
  }
}

/** Thrown when the credentials are known but may not do this (403). */
export class AuthorizationError extends RegistryError {
  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(message: string, options: RegistryErrorOptions) {
    super(message, options, "AUTHORIZATION_FAILED");
  }
}

/** Thrown when a registry asks for fewer requests (429) and waiting is not possible or not worth it. */
export class RateLimitError extends RegistryError {
  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(message: string, options: RegistryErrorOptions) {
    super(message, options, "RATE_LIMITED");
  }
}

/** Thrown when a tag stands that the registry allows nobody to move or to remove. */
export class TagImmutableError extends RegistryError {
  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(message: string, options: RegistryErrorOptions) {
    super(message, options, "TAG_IMMUTABLE");
  }
}

/** Thrown when a name stands for something else already, and was not to be taken from it. */
export class NameTakenError extends LadingError {
  /** The name. */
  readonly reference: string;
  /** What it stands for; absent where that cannot be told, as of a file. */
  readonly descriptor: Descriptor | undefined;

  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(
    message: string,
    options: LadingErrorOptions & {
      readonly reference: string;
      readonly descriptor?: Descriptor | undefined;
    },
  ) {
    super("NAME_TAKEN", message, options);
    this.reference = options.reference;
    this.descriptor = options.descriptor;
  }
}

/** Thrown when a blob upload cannot be finished. */
export class UploadError extends RegistryError {
  /** Bytes that the registry had confirmed. */
  readonly offset: number;
  /** The upload session's URL without query. */
  readonly location: string | undefined;

  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(
    message: string,
    options: RegistryErrorOptions & { readonly offset: number; readonly location?: string },
  ) {
    super(message, options, "UPLOAD_FAILED");
    this.offset = options.offset;
    this.location = options.location;
  }
}

/** Thrown by `copy` and `pull` when one side fails; `cause` is the error of that side. */
export class CopyError extends LadingError {
  /** The side that failed. */
  readonly side: "source" | "target";
  /** The content that was being moved. */
  readonly descriptor: Descriptor | undefined;

  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(
    message: string,
    options: LadingErrorOptions & {
      readonly side: "source" | "target";
      readonly descriptor?: Descriptor | undefined;
    },
  ) {
    super("COPY_FAILED", message, options);
    this.side = options.side;
    this.descriptor = options.descriptor;
  }
}

/**
 * Why an engine failed, where its words tell: engines of before Docker 24 answer 500 to faults of
 * credentials, quotas and names.
 */
export type EngineFailureReason =
  | "authentication"
  | "authorization"
  | "rate-limit"
  | "not-found"
  | "conflict"
  | "unreachable"
  | "silent";

/** Data of {@linkcode EngineError}. */
export interface EngineErrorOptions extends LadingErrorOptions {
  /** The HTTP status; 0 when there was no answer, 200 for an error inside an answer. */
  readonly status: number;
  /** The method and the path of the request: `POST /v1.41/images/create`. */
  readonly endpoint: string;
  /** What the engine said. */
  readonly said?: string | undefined;
  /** The code that the engine gave, such as the exit code of a step of a build. */
  readonly exitCode?: number | undefined;
  /** Why it failed, where that is known. */
  readonly reason?: EngineFailureReason | undefined;
}

/**
 * Thrown when an engine answers with an error, inside an answer that began well too, with something
 * that is no answer, or not at all.
 */
export class EngineError extends LadingError {
  /** The HTTP status; 0 when there was no answer, 200 for an error inside an answer. */
  readonly status: number;
  /** The method and the path of the request: `POST /v1.41/images/create`. */
  readonly endpoint: string;
  /** What the engine said, in its own words; "" when it said nothing. */
  readonly said: string;
  /** The code that the engine gave, such as the exit code of a step of a build. */
  readonly exitCode: number | undefined;
  /** Why it failed, where that is known. */
  readonly reason: EngineFailureReason | undefined;

  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(message: string, options: EngineErrorOptions, code = "ENGINE_ERROR") {
    super(code, message, options);
    this.status = options.status;
    this.endpoint = options.endpoint;
    this.said = options.said ?? "";
    this.exitCode = options.exitCode;
    this.reason = options.reason;
  }
}

/** Thrown when an engine does not have an image, or not for the platform that was asked for. */
export class ImageNotFoundError extends EngineError {
  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(message: string, options: EngineErrorOptions) {
    super(message, { reason: "not-found", ...options }, "IMAGE_NOT_FOUND");
  }
}

/** Thrown when something that uses an image is in the way (409). */
export class ConflictError extends EngineError {
  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(message: string, options: EngineErrorOptions) {
    super(message, { reason: "conflict", ...options }, "ENGINE_CONFLICT");
  }
}

/** Data of {@linkcode ApiVersionError}. */
export interface ApiVersionOptions extends EngineErrorOptions {
  /** The version of the API that the engine and the library agreed on, where they did. */
  readonly apiVersion: string | undefined;
  /** The version that is needed, where that is known. */
  readonly needed: string | undefined;
}

/**
 * Thrown when the engine is too old for what was asked for, which it would have ignored in silence,
 * or when engine and library have no version of the API in common.
 */
export class ApiVersionError extends EngineError {
  /** The version of the API that the engine and the library agreed on, where they did. */
  readonly apiVersion: string | undefined;
  /** The version that is needed, where that is known. */
  readonly needed: string | undefined;

  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(message: string, options: ApiVersionOptions) {
    super(message, options, "API_VERSION");
    this.apiVersion = options.apiVersion;
    this.needed = options.needed;
  }
}

/** Thrown when an engine does not pull an image, or does not say that it did. */
export class PullError extends EngineError {
  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(message: string, options: EngineErrorOptions) {
    super(message, options, "PULL_FAILED");
  }
}

/** Thrown when an engine does not push an image, or does not say that it did. */
export class PushError extends EngineError {
  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(message: string, options: EngineErrorOptions) {
    super(message, options, "PUSH_FAILED");
  }
}

/** Thrown when a build fails. */
export class BuildError extends EngineError {
  /** What the build wrote up to its failure; the begin of a long one is cut off. */
  readonly log: string;

  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(message: string, options: EngineErrorOptions & { readonly log: string }) {
    super(message, options, "BUILD_FAILED");
    this.log = options.log;
  }
}

/** Thrown when an engine does not load or import an archive, or does not say that it did. */
export class LoadError extends EngineError {
  /** Makes the error; the message says what was attempted and why it failed. */
  constructor(message: string, options: EngineErrorOptions) {
    super(message, options, "LOAD_FAILED");
  }
}
