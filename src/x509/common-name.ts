import { tag } from './der-reader.ts';
import { encodeElement, encodeOid, encodeSequence } from './der-writer.ts';
import { oid } from './oids.ts';

/** RFC 5280 §A.1: ub-common-name. */
const charactersMax = 64;

const commonNameOid = encodeOid(oid.commonName);

/**
 * A Name with this one attribute, DER. Throws RangeError for what is empty, longer than 64 characters or not Unicode:
 * names are refused where users write them, so one that comes this far is a defect.
 */
export function encodeCommonName(commonName: string): Uint8Array {
  // The limit counts characters, not UTF-16 units.
  const characters = Array.from(commonName).length;
  if (characters === 0 || characters > charactersMax || !commonName.isWellFormed()) {
    throw new RangeError(`a common name of ${characters} characters was not refused earlier`);
  }
  const value = encodeElement(tag.utf8String, new TextEncoder().encode(commonName));
  return encodeSequence(encodeElement(tag.set, encodeSequence(commonNameOid, value)));
}
