const telling = /auth|cookie|token|secret|signature|passw|(^|[-_])(api-?)?key$/i;

/** Whether a header carries a credential: by its name, or because the caller said so. */
function isSecretHeader(name: string, secretHeaders: readonly string[]): boolean {
  const lower = name.toLowerCase();
  return telling.test(lower) || secretHeaders.some((secret) => secret.toLowerCase() === lower);
}

/** The headers as they may be logged. */
export function maskHeaders(
  headers: Readonly<Record<string, string>>,
  secretHeaders: readonly string[],
): Record<string, string> {
  const entries = Object.entries(headers);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, isSecretHeader(name, secretHeaders) ? '[masked]' : value]),
  );
}

/** The headers that may travel on to another origin. */
export function withoutSecretHeaders(
  headers: Readonly<Record<string, string>>,
  secretHeaders: readonly string[],
): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !isSecretHeader(name, secretHeaders)));
}
