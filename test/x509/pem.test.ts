import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isMtlsdError } from '../../src/errors/index.ts';
import { encodePem, parsePem } from '../../src/x509/index.ts';
import { pemBlocksMax, pemCharactersMax } from '../../src/x509/pem.ts';

const block = (body: string, label = 'CERTIFICATE'): string => `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;

function refusal(text: string): string {
  try {
    parsePem(text);
  } catch (error) {
    if (isMtlsdError(error, 'X509_PEM_INVALID')) return error.message;
    throw error;
  }
  throw new Error('the text was accepted');
}

describe('encode and parse', () => {
  test('are inverse, and lines have 64 columns', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 500 }), fc.constantFrom('CERTIFICATE', 'PRIVATE KEY', 'X509 CRL'), (der, label) => {
        const text = encodePem(label, der);
        expect(parsePem(text)).toEqual([{ label, der }]);
        expect(text.endsWith('-----\n')).toBe(true);
        const lines = text.split('\n').slice(1, -2);
        expect(lines.slice(0, -1).every((line) => line.length === 64)).toBe(true);
        expect(lines.at(-1)?.length).toBeLessThanOrEqual(64);
      }),
    );
  });

  test('several blocks keep their order, with text between them and Windows line ends', () => {
    const text = `subject=CN = a\r\n${block('AAAA').replaceAll('\n', '\r\n')}\r\nissuer\r\n${block('BBBB', 'PRIVATE KEY')}`;
    expect(parsePem(text).map(({ label }) => label)).toEqual(['CERTIFICATE', 'PRIVATE KEY']);
  });
});

describe('refused', () => {
  test.each([
    ['an empty text', '', 'there is no block'],
    ['a text without a block', 'hello\n', 'there is no block'],
    ['an empty block', block(''), 'the block is empty'],
    ['a block without an end', '-----BEGIN CERTIFICATE-----\nAAAA\n', 'the block has no END line'],
    ['an end of another label', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END PRIVATE KEY-----\n', 'END line'],
    ['an end without a beginning', '-----END CERTIFICATE-----\n', 'a BEGIN line was expected'],
    ['a beginning within a block', `-----BEGIN CERTIFICATE-----\nAAAA\n${block('AAAA')}`, 'END line'],
    ['headers of an encrypted key', block('Proc-Type: 4,ENCRYPTED\n\nAAAA', 'RSA PRIVATE KEY'), 'not base64'],
    ['characters outside base64', block('AA*A'), 'not base64'],
    ['a length that is no multiple of four', block('AAAAA'), 'the block is not base64'],
    ['padding in the middle', block('AA==AAAA'), 'not base64'],
    ['stray bits behind the last byte', block('AB=='), 'not canonical base64'],
    ['a lower-case label', block('AAAA', 'certificate'), 'a BEGIN line was expected'],
  ])('%s', (_name, text, reason) => {
    expect(refusal(text)).toContain(reason);
  });

  test('more than the bounds', () => {
    expect(refusal(' '.repeat(pemCharactersMax + 1))).toContain('characters are more than');
    expect(refusal(block('AAAA').repeat(pemBlocksMax + 1))).toContain('more than 1024 blocks');
    expect(parsePem(block('AAAA').repeat(pemBlocksMax))).toHaveLength(pemBlocksMax);
  });

  test('the message names the line and holds nothing of it', () => {
    const message = refusal(block('c2VjcmV0c2VjcmV0!'));
    expect(message).toContain('line 2');
    expect(message).not.toContain('c2Vj');
  });
});
