/** When a JWT ends by its claim `exp`, in epoch milliseconds; undefined where it does not say. */
export function readExpiry(token: string | undefined): number | undefined {
  const [, claims = ''] = token?.split('.') ?? [];
  try {
    const { exp } = JSON.parse(atob(claims.replaceAll('-', '+').replaceAll('_', '/'))) as { exp?: unknown };
    return typeof exp === 'number' ? exp * 1_000 : undefined;
  } catch {
    return undefined;
  }
}
