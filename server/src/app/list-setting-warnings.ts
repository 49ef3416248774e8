import type { Config } from '#platform/config/config.ts';

/** What an operator should know of settings that the process starts with all the same, a sentence or two each. */
export function listSettingWarnings({ isProduction, role, http, mail }: Config): string[] {
  if (!isProduction) return [];
  const warnings: string[] = [];
  if (role !== 'worker' && http.publicUrl?.startsWith('http:')) {
    warnings.push(
      `PUBLIC_URL is '${http.publicUrl}': the cookies of production are Secure, browsers drop them on plain HTTP, and ` +
        'nobody can sign in on the page. Put a proxy with TLS in front, and set PUBLIC_URL to its https:// address.',
    );
  }
  if (role !== 'worker' && http.publicUrl?.startsWith('https:') && http.trustProxy === false) {
    warnings.push(
      `PUBLIC_URL is '${http.publicUrl}' and TRUST_PROXY is off: if a proxy stands in front, everybody counts as one ` +
        'address, and one person can use up the limits of all. Set TRUST_PROXY to the address of the proxy.',
    );
  }
  if (mail.smtpUrl === undefined) {
    warnings.push(
      'SMTP_URL is not set: invitations and mails to confirm an address or to reset a password are kept and not sent. ' +
        'Set it to a mail server; until then administrators of the installation read them at GET /api/system/mails.',
    );
  }
  return warnings;
}
