/**
 * Reads who a proxy is used as. A percent sign that escapes nothing, as in a password that nobody
 * escaped, stands for itself.
 *
 * @param proxy The proxy.
 * @param proxy.username The name, as it stands in the URL.
 * @param proxy.password The password, as it stands there.
 * @returns The name and the password as they are.
 */
export function decodedUser(
  { username, password }: Pick<URL, "username" | "password">,
): { readonly username: string; readonly password: string } {
  return { username: decoded(username), password: decoded(password) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
