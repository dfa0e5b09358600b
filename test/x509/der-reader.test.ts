import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkDer, derDepthMax, DerError, DerReader, tag } from '../../src/x509/der-reader.ts';
import { readOid, toHex } from '../../src/x509/der-values.ts';
import { encodeElement, encodeOid, encodeSequence, encodeUnsignedInteger } from '../../src/x509/der-writer.ts';
import { malformed, octets } from './malformed.ts';

describe('what is not DER', () => {
  test.each(Object.entries(malformed))('%s is refused', (_name, bytes) => {
    expect(() => checkDer(bytes)).toThrow(DerError);
  });

  test('the message names the place and never the content', () => {
    const secret = encodeElement(tag.octetString, new TextEncoder().encode('SECRET'));
    expect(() => checkDer(encodeSequence(secret, octets('0200')))).toThrow(/^empty INTEGER at offset 10$/);
  });
});

describe('what is DER', () => {
  test('the deepest nesting that a certificate may have passes', () => {
    let inner = encodeElement(tag.null);
    for (let level = 0; level < derDepthMax; level += 1) inner = encodeSequence(inner);
    expect(() => checkDer(inner)).not.toThrow();
    expect(() => checkDer(encodeSequence(inner))).toThrow(/more than 16 levels/);
  });

  test.each([0, 1, 127, 128, 255, 256, 65_000])('a length of %i round-trips', (length) => {
    const encoded = encodeElement(tag.octetString, new Uint8Array(length).fill(7));
    checkDer(encoded);
    const reader = DerReader.overChecked(encoded);
    expect(reader.content(reader.element(tag.octetString))).toHaveLength(length);
    reader.finish();
  });

  test('unsigned INTEGERs round-trip and are minimal, whatever their first octets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 20 }), (magnitude) => {
        const encoded = encodeUnsignedInteger(magnitude);
        checkDer(encoded);
        expect(BigInt(`0x${toHex(encoded.subarray(2))}`)).toBe(BigInt(`0x${toHex(magnitude)}`));
        expect((encoded[2] ?? 0xff) < 0x80).toBe(true);
      }),
    );
  });

  test('OBJECT IDENTIFIERs round-trip', () => {
    const arc = fc.integer({ min: 0, max: 2 ** 40 });
    const oids = fc.tuple(fc.constantFrom(0, 1, 2), fc.integer({ min: 0, max: 39 }), fc.array(arc, { maxLength: 6 }));
    fc.assert(
      fc.property(oids, ([root, second, rest]) => {
        const text = [root, second, ...rest].join('.');
        expect(readOid(DerReader.overChecked(encodeOid(text)))).toBe(text);
      }),
    );
  });

  test('a second arc beyond 39 belongs to root 2', () => {
    expect(readOid(DerReader.overChecked(octets('0603 883703')))).toBe('2.999.3');
  });

  test('the walker never throws anything but DerError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          checkDer(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(DerError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the cursor', () => {
  test('says which tag was expected and which was found', () => {
    expect(() => DerReader.overChecked(octets('020101')).element(tag.sequence)).toThrow('tag 0x30 expected at offset 0, found 0x02');
    expect(() => DerReader.overChecked(octets('3000')).constructed(tag.sequence).any()).toThrow(DerError);
  });

  test('finish refuses what is left', () => {
    const reader = DerReader.overChecked(octets('3003 020101')).constructed(tag.sequence);
    expect(() => reader.finish()).toThrow('unexpected element at offset 2');
    reader.any();
    expect(() => reader.finish()).not.toThrow();
  });
});
