import { OutboundProblem } from './outbound-problem.ts';

/**
 * Reads the address of a call or of a redirect: http or https, without credentials. The URL parser turns octal,
 * hexadecimal and decimal spellings of an IPv4 address into the dotted one. Throws `bad_url`.
 */
export function parseTarget(text: string | URL, base?: URL): URL {
  const url = URL.parse(String(text), base);
  if (url === null) throw badUrl('It is not a complete URL such as https://example.com/path.');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw badUrl(`Only http:// and https:// are called, not '${url.protocol}'.`);
  }
  if (url.username !== '' || url.password !== '') {
    throw badUrl(`The URL to '${url.hostname}' holds a user name or password; send credentials in a header.`);
  }
  url.hash = '';
  return url;
}

function badUrl(message: string): OutboundProblem {
  return new OutboundProblem({ kind: 'bad_url', message });
}
