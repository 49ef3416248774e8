/** An address that its owner recognises and nobody else learns: the first character and the domain. */
export function maskAddress(email: string): string {
  const at = email.lastIndexOf('@');
  const [first = ''] = email;
  return `${at > 0 ? first : ''}…${email.slice(at)}`;
}
