import { FileSystemError, type FileSystemReason } from "../store/file_system.ts";

const REASONS: Readonly<Record<string, readonly [FileSystemReason, string]>> = {
  ENOENT: ["not-found", "there is no such file or directory"],
  EEXIST: ["exists", "it exists already"],
  ENOTEMPTY: ["not-empty", "the directory is not empty"],
  ENOTDIR: ["not-directory", "it is no directory, or leads through something that is none"],
  EISDIR: ["is-directory", "it is a directory"],
  ELOOP: ["symlink", "it is a symbolic link, or leads through too many"],
  ENOSPC: ["no-space", "there is no space left"],
  EDQUOT: ["no-space", "the quota is used up"],
  EFBIG: ["no-space", "the file system takes no file that large"],
  EACCES: ["permission", "permission denied"],
  EPERM: ["permission", "that is not allowed"],
  NotCapable: ["permission", "Deno has no permission for it"],
  EROFS: ["read-only", "the file system is read-only"],
  EMFILE: ["too-many-open-files", "too many files are open"],
  ENFILE: ["too-many-open-files", "too many files are open"],
  ENOTSUP: ["unsupported", "the file system cannot do that"],
  ENOSYS: ["unsupported", "the file system cannot do that"],
  EXDEV: ["unsupported", "it is on another file system"],
};

/** Gives the name that the host has for an error. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}

/** Tells in our words what the host refused. */
export function diskError(verb: string, path: string, error: unknown): FileSystemError {
  if (error instanceof FileSystemError) return error;
  const code = codeOf(error);
  const [reason, why] = REASONS[code ?? ""] ?? ["io", code ?? "the host refuses"];
  return refused(verb, path, reason, why, error);
}

/** Makes an error of the disk. */
export function refused(
  verb: string,
  path: string,
  reason: FileSystemReason,
  why: string,
  cause?: unknown,
): FileSystemError {
  return new FileSystemError(`Cannot ${verb} "${path}": ${why}`, { reason, path, cause });
}
