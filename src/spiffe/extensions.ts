/** Extensions that rules speak of, by OID (RFC 5280 §4.2.1). */
export const extensionOids = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const;

/** What is read here, so that its being critical is no reason to refuse (RFC 5280 §4.2). */
const understood: ReadonlySet<string> = new Set(Object.values(extensionOids));

/** Extended key usages, by OID (RFC 5280 §4.2.1.12). */
export const keyPurposes = {
  any: '2.5.29.37.0',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const;

interface Extension {
  readonly oid: string;
  readonly critical: boolean;
}

/** OIDs of critical extensions that nothing here understands. */
export function unknownCriticalExtensions(extensions: readonly Extension[]): readonly string[] {
  return extensions.filter(({ oid, critical }) => critical && !understood.has(oid)).map(({ oid }) => oid);
}

/** OIDs that stand more than once. */
export function duplicateExtensions(extensions: readonly Extension[]): readonly string[] {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const { oid } of extensions) (seen.has(oid) ? twice : seen).add(oid);
  return [...twice];
}
