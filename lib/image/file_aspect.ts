/** What can be different in a path that two file trees have. */
export type FileAspect =
  | "type"
  | "content"
  | "link"
  | "device"
  | "mode"
  | "owner"
  | "xattrs"
  | "mtime";
