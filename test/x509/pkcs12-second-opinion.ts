import forge from 'node-forge';

/** What node-forge finds in a PKCS#12 file. Its types know RSA keys only: others are read from the decrypted PrivateKeyInfo. */
export interface ForgeReading {
  readonly keys: readonly { readonly alias: string | undefined; readonly pkcs8: string }[];
  readonly certificates: readonly { readonly alias: string | undefined; readonly der: string }[];
}

/** Opens a PKCS#12 file with node-forge, an implementation that nobody here wrote. @throws {Error} when it refuses */
export function forgeOpens(der: Uint8Array, password: string): ForgeReading {
  const file = forge.pkcs12.pkcs12FromAsn1(forge.asn1.fromDer(Buffer.from(der).toString('latin1')), true, password);
  const reading = { keys: [] as { alias: string | undefined; pkcs8: string }[], certificates: [] as { alias: string | undefined; der: string }[] };
  for (const bag of file.safeContents.flatMap(({ safeBags }) => safeBags)) {
    const attributes = bag.attributes as { friendlyName?: readonly string[] };
    const alias = attributes.friendlyName?.[0];
    const hex = (asn1: forge.asn1.Asn1): string => forge.util.bytesToHex(forge.asn1.toDer(asn1).getBytes());
    if (bag.type === forge.pki.oids['certBag']) {
      reading.certificates.push({ alias, der: hex(bag.cert === undefined || bag.cert === null ? bag.asn1 : forge.pki.certificateToAsn1(bag.cert)) });
    } else {
      reading.keys.push({ alias, pkcs8: hex(bag.key === undefined || bag.key === null ? bag.asn1 : forge.pki.wrapRsaPrivateKey(forge.pki.privateKeyToAsn1(bag.key))) });
    }
  }
  return reading;
}
