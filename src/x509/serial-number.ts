import { toHex } from './der-values.ts';
import { encodeUnsignedInteger } from './der-writer.ts';

/** 128 random bits: twice what public authorities must have, and below the 20 octets of RFC 5280 §4.1.2.2. */
export const serialNumberOctets = 16;

/** How many are drawn at once: a call for random octets costs more than the octets do. */
const drawnAtOnce = 256;

const isZero = (serialNumber: Uint8Array): boolean => serialNumber.every((octet) => octet === 0);

/** INTEGER from `serialNumberOctets` octets that are not all zero; throws RangeError for others. */
export function encodeSerialNumber(serialNumber: Uint8Array): Uint8Array {
  // RFC 5280 §4.1.2.2: positive, at most 20 octets.
  if (serialNumber.length !== serialNumberOctets || isZero(serialNumber)) {
    throw new RangeError(`a serial number has ${serialNumberOctets} octets that are not all zero`);
  }
  return encodeUnsignedInteger(serialNumber);
}

/**
 * How a CertificateView spells this serial number: the INTEGER's content octets in hexadecimal. It has a leading `00`
 * where the first bit is set and lacks leading zeros, so the octets' own hexadecimal is not the same.
 */
export function serialNumberText(serialNumber: Uint8Array): string {
  return toHex(encodeSerialNumber(serialNumber).subarray(2));
}

/** Serial numbers from a source of cryptographically strong random octets, drawn in advance; each is handed out once. */
export class SerialNumbers {
  readonly #randomBytes: (length: number) => Uint8Array;
  #drawn = new Uint8Array(0);
  #at = 0;

  constructor(randomBytes: (length: number) => Uint8Array) {
    this.#randomBytes = randomBytes;
  }

  /** The next one: `serialNumberOctets` octets, not all zero, in memory of their own. */
  next(): Uint8Array {
    for (;;) {
      if (this.#at === this.#drawn.length) this.#draw();
      const serialNumber = this.#drawn.slice(this.#at, this.#at + serialNumberOctets);
      this.#at += serialNumberOctets;
      if (!isZero(serialNumber)) return serialNumber;
    }
  }

  #draw(): void {
    const drawn = this.#randomBytes(drawnAtOnce * serialNumberOctets);
    // A source that runs dry or repeats zeros for ever must not turn into a loop here.
    if (drawn.length !== drawnAtOnce * serialNumberOctets || isZero(drawn)) throw new RangeError('the source of randomness is broken');
    this.#drawn = new Uint8Array(drawn);
    this.#at = 0;
  }
}
