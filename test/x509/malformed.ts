import { encodeElement } from '../../src/x509/der-writer.ts';

/** Octets from hexadecimal, spaces allowed. */
export const octets = (hexadecimal: string): Uint8Array => new Uint8Array(Buffer.from(hexadecimal.replaceAll(' ', ''), 'hex'));

function nested(levels: number): Uint8Array {
  let inner: Uint8Array = new Uint8Array(0);
  for (let level = 0; level < levels; level += 1) inner = encodeElement(0x30, inner);
  return inner;
}

/** Encodings that no parser of ours may take, named after the defect. */
export const malformed: Readonly<Record<string, Uint8Array>> = {
  'nothing at all': new Uint8Array(0),
  'a tag without a length': octets('30'),
  'a depth bomb of 10,000 levels': nested(10_000),
  '18 levels': nested(18),
  'trailing bytes': octets('3000 00'),
  'two elements': octets('3000 3000'),
  'indefinite length': octets('3080 0000'),
  'a long form where the short one fits': octets('308100'),
  'a long form of 127': Uint8Array.of(0x30, 0x81, 0x7f, 0x04, 0x7d, ...new Uint8Array(125)),
  'a leading zero in the length': octets('30820005 0403000000'),
  'a length of four octets': octets('308400000000'),
  'a length of 127 octets': octets('30ff'),
  'a length that promises 4 GiB': octets('3084ffffffff'),
  'a length that promises 16 MiB': octets('3083ffffff'),
  'a length beyond the input': octets('3005 0400'),
  'an inner length beyond its parent': octets('3003 0405 0000'),
  'a truncated length': octets('3082 01'),
  'a high tag number': octets('3f1f00'),
  'an end of contents': octets('3002 0000'),
  'a padded positive INTEGER': octets('3004 02020001'),
  'a padded negative INTEGER': octets('3004 0202ff80'),
  'an empty INTEGER': octets('3002 0200'),
  'a BOOLEAN of 01': octets('3003 010101'),
  'a BOOLEAN of two octets': octets('3004 0102ffff'),
  'an empty BOOLEAN': octets('3002 0100'),
  'a NULL with content': octets('3003 050100'),
  'an empty BIT STRING': octets('3002 0300'),
  'a BIT STRING with 8 unused bits': octets('3004 03020800'),
  'a BIT STRING with unused bits of nothing': octets('3003 030101'),
  'a BIT STRING whose unused bits are set': octets('3004 03020101'),
  'an empty OBJECT IDENTIFIER': octets('3002 0600'),
  'a padded OBJECT IDENTIFIER': octets('3004 06022a80 '),
  'an OBJECT IDENTIFIER that begins with padding': octets('3005 06032a8001'),
  'a truncated OBJECT IDENTIFIER': octets('3003 060186'),
  'a constructed OCTET STRING': octets('3004 24020400'),
  'a constructed UTF8String': octets('3002 2c00'),
  'a primitive SEQUENCE': octets('1000'),
  'a primitive SET': octets('3002 1100'),
  'more than 64 KiB': encodeElement(0x30, encodeElement(0x04, new Uint8Array(70_000))),
};
