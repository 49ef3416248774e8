import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { deriveKey } from './derive-key.ts';

/** Encrypts what the database keeps and must be read again: AES-256-GCM under a key derived from ENCRYPTION_KEY. */
export interface Sealer {
  /** `boundTo` names the row it belongs to: sealed text that is moved to another row does not open there. */
  seal(text: string, boundTo: string): string;
  /** Throws where the text was changed, belongs elsewhere or was sealed under another key. */
  open(sealed: string, boundTo: string): string;
}

const version = 'v1';
const nonceBytes = 12;
const tagBytes = 16;

export function createSealer(encryptionKey: string): Sealer {
  const key = deriveKey(encryptionKey, 'sealed columns');
  return {
    seal: (text, boundTo) => {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
      cipher.setAAD(Buffer.from(boundTo, 'utf8'));
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return `${version}.${Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString('base64url')}`;
    },
    open: (sealed, boundTo) => {
      const [found, payload = ''] = sealed.split('.');
      const bytes = Buffer.from(payload, 'base64url');
      if (found !== version || bytes.length < nonceBytes + tagBytes) throw new Error('This is no sealed text.');
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes });
      decipher.setAAD(Buffer.from(boundTo, 'utf8'));
      decipher.setAuthTag(bytes.subarray(-tagBytes));
      return decipher.update(bytes.subarray(nonceBytes, -tagBytes), undefined, 'utf8') + decipher.final('utf8');
    },
  };
}
