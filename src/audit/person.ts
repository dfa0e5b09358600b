import { createHash, createHmac } from 'node:crypto';
import { isIP } from 'node:net';

/** The key of pseudonyms: one period's. */
interface PseudonymKey {
  readonly bytes: Uint8Array;
  readonly createdAtMs: number;
}

/**
 * Keyed hashes in place of persons. Within the period of a key, records of one person can be linked; with the next key, and the one
 * before deleted, nobody can link them any more, nor try names against them.
 */
export class Pseudonyms {
  readonly #periodMs: number;
  #key: PseudonymKey;
  #name: string;

  constructor(key: PseudonymKey, periodMs: number) {
    this.#periodMs = periodMs;
    this.#key = key;
    this.#name = nameOf(key);
  }

  /** Whether another key is due. */
  isOld(nowMs: number): boolean {
    return nowMs - this.#key.createdAtMs >= this.#periodMs;
  }

  /** Goes on with another key; the one so far is forgotten. */
  replace(key: PseudonymKey): void {
    this.#key = key;
    this.#name = nameOf(key);
  }

  /** `<key>:<128 bits>`: equal for equal text under one key. */
  of(kind: 'subject' | 'address', text: string): string {
    return `${this.#name}:${createHmac('sha256', this.#key.bytes).update(`${kind}\0${text}`).digest().subarray(0, 16).toString('base64url')}`;
  }
}

function nameOf({ bytes }: PseudonymKey): string {
  return createHash('sha256').update('mtlsd pseudonym key\0').update(bytes).digest('base64url').slice(0, 8);
}

const suspicious = /[@.:]|----|eyJ/u;
const tokens = /eyJ[\w-]*\.[\w-]+(?:\.[\w-]*)*/gu;
const pem = /-----BEGIN [^-]*-----[\s\S]*?(?:-----END [^-]*-----|$)/gu;
const mail = /[^\s@"'<>(),;:]+@[^\s@"'<>(),;:]+/gu;
const addresses = /[0-9A-Fa-f.:]{3,}/gu;

/** The last line of defence for texts that people compose: what looks like a token, a key, an address or an e-mail is taken out. */
export function withoutPersons(text: string): string {
  if (!suspicious.test(text)) return text;
  return text
    .replaceAll(pem, '[key or certificate]')
    .replaceAll(tokens, '[token]')
    .replaceAll(mail, '[e-mail]')
    .replaceAll(addresses, (word) => (isIP(word.replace(/[.:]$/u, '')) === 0 ? word : '[address]'));
}
