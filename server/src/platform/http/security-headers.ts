import type { IncomingMessage, ServerResponse } from 'node:http';
import helmet from 'helmet';

/** The security headers of pages and of data. */
export interface SecurityHeaders {
  readonly page: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, string>>;
}

/** What data needs of them: a browser that is led to open it as a page does nothing with it. */
const dataHeaders = ['strict-transport-security', 'x-content-type-options', 'referrer-policy'];

/**
 * Computes the security headers once: as a hook on each request Helmet costs a third of the throughput. A page may load
 * only what this server serves; data may load nothing.
 */
export function createSecurityHeaders(isProduction: boolean): SecurityHeaders {
  const headers: Record<string, string> = {};
  const collector = {
    setHeader: (name: string, value: string) => {
      headers[name.toLowerCase()] = value;
    },
    removeHeader: () => {},
  } as unknown as ServerResponse;
  const apply = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        imgSrc: ["'self'", 'data:'],
        objectSrc: ["'none'"],
      },
    },
    strictTransportSecurity: isProduction ? { maxAge: 31_536_000 } : false,
    crossOriginEmbedderPolicy: false,
  });
  apply({} as IncomingMessage, collector, () => {});
  const data = Object.fromEntries(Object.entries(headers).filter(([name]) => dataHeaders.includes(name)));
  return { page: headers, data: { ...data, 'content-security-policy': "default-src 'none'; frame-ancestors 'none'" } };
}
