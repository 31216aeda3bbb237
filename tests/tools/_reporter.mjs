// A node:test reporter: one JSON line per finished test, for the runner to read.
export default async function* report(source) {
  for await (const event of source) {
    if (event.type !== "test:pass" && event.type !== "test:fail") continue;
    const { name, file, nesting, skip, details } = event.data;
    if (details?.type === "suite") continue;
    const error = event.type === "test:fail" ? details?.error : undefined;
    yield JSON.stringify({
      file: file ?? "",
      name,
      // A test has the time of those within it.
      ms: nesting === 0 ? details?.duration_ms : undefined,
      skipped: skip === undefined || skip === false ? undefined : String(skip),
      error: error === undefined ? undefined : describe(error),
    }) + "\n";
  }
}

function describe(error) {
  const cause = error.cause;
  return cause instanceof Error
    ? cause.stack ?? cause.message
    : String(cause ?? error.stack ?? error);
}
