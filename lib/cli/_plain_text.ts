/** Control characters, among them those that steer a terminal (C0, DEL, C1). */
const CONTROL_REGEXP = /\p{Cc}/gu;

const NAMED: ReadonlyMap<string, string> = new Map([["\n", "\\n"], ["\r", "\\r"], ["\t", "\\t"]]);

/**
 * Writes the control characters of a text that others have chosen, such as a file name, so that
 * they neither break the line nor steer the terminal.
 */
export function escapeControls(text: string): string {
  return text.replace(CONTROL_REGEXP, (control) => {
    const code = (control.codePointAt(0) ?? 0).toString(16).padStart(2, "0");
    return NAMED.get(control) ?? `\\x${code}`;
  });
}

/** Makes one line of a message. */
export function oneLine(text: string): string {
  return escapeControls(text.trim().replace(/\s*\n\s*/g, " "));
}
