import type { NameView } from '../spiffe/index.ts';
import { DerError, type DerElement, type DerReader, tag } from './der-reader.ts';
import { readOid, toHex, utf8Text } from './der-values.ts';

/** The short names of RFC 4514 §3, and the two that certificates use besides. */
const shortNames: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.5': 'SERIALNUMBER',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'STREET',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
};

/** The text of a string type, or undefined for a type that has none. */
function stringText(reader: DerReader, element: DerElement): string | undefined {
  const content = reader.content(element);
  switch (element.tag) {
    case tag.utf8String:
      return utf8Text(content);
    case tag.printableString:
    case tag.ia5String:
    case tag.teletexString:
      return Buffer.from(content).toString('latin1');
    case tag.bmpString:
      if (content.length % 2 !== 0) throw new DerError(`BMPString of odd length at offset ${element.start}`);
      return Buffer.from(content).swap16().toString('utf16le');
    default:
      return undefined;
  }
}

const hexPair = (character: string): string => [...Buffer.from(character)].map((octet) => `\\${octet.toString(16).padStart(2, '0')}`).join('');

/** RFC 4514 §2.4; control and format characters are escaped too, for the text goes to terminals and logs. */
function escapeValue(value: string): string {
  return value
    .replace(/["+,;<>\\]/g, '\\$&')
    .replace(/^[ #]/, '\\$&')
    .replace(/ $/, '\\ ')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, hexPair);
}

function attributeText(reader: DerReader): string {
  const type = readOid(reader);
  const value = reader.any();
  reader.finish();
  const text = stringText(reader, value);
  // RFC 4514 §2.4: a value without a string form is written as its DER.
  return `${shortNames[type] ?? type}=${text === undefined ? `#${toHex(reader.whole(value))}` : escapeValue(text)}`;
}

function relativeNameText(reader: DerReader): string {
  const attributes: string[] = [];
  do attributes.push(attributeText(reader.constructed(tag.sequence)));
  while (!reader.done);
  return attributes.join('+');
}

/** Reads the next element as a Name (RFC 5280 §4.1.2.4). Its text is RFC 4514's: the last RDN first. Throws DerError. */
export function readName(reader: DerReader): NameView {
  const element = reader.element(tag.sequence);
  const inner = reader.inside(element);
  const parts: string[] = [];
  while (!inner.done) parts.push(relativeNameText(inner.constructed(tag.set)));
  return { der: reader.whole(element), text: parts.reverse().join(','), empty: parts.length === 0 };
}
