import type { Denial, Grant } from '../../issuance/index.ts';
import { extensionOids, keyPurposes } from '../../spiffe/index.ts';
import type { CertificateRequest } from '../../x509/index.ts';

/** Extensions that a request may name: alternative names, and what every SVID has anyway. */
const known: ReadonlySet<string> = new Set([
  extensionOids.subjectAltName,
  extensionOids.keyUsage,
  extensionOids.extendedKeyUsage,
  extensionOids.basicConstraints,
  extensionOids.subjectKeyIdentifier,
]);
const clientAndServer: ReadonlySet<string> = new Set([keyPurposes.clientAuth, keyPurposes.serverAuth]);

/**
 * Everything that a request asks for beyond what was granted. A request need name nothing: its certificate has the names of
 * the grant, all of them and no others. Pure.
 */
export function excessOf(request: CertificateRequest, grant: Pick<Grant, 'spiffeId' | 'dnsNames' | 'commonName'>): readonly Denial[] {
  return [...subjectExcess(request, grant), ...nameExcess(request, grant), ...extensionExcess(request)].map((message) => ({ field: 'csr', message }));
}

/** A common name is a name, too: many tools cannot leave it out, so one that is granted passes. */
function* subjectExcess({ subject }: CertificateRequest, { spiffeId, dnsNames, commonName }: Pick<Grant, 'spiffeId' | 'dnsNames' | 'commonName'>): Generator<string> {
  if (subject.empty) return;
  const names = [spiffeId.toString(), ...dnsNames, ...(commonName === undefined ? [] : [commonName])];
  if (!names.some((name) => subject.text === `CN=${name}`)) yield 'its subject is neither empty nor a common name that the identity has: leave it empty';
}

function* nameExcess({ subjectAltName }: CertificateRequest, { spiffeId, dnsNames }: Pick<Grant, 'spiffeId' | 'dnsNames'>): Generator<string> {
  if (subjectAltName === undefined) return;
  const { uris, dnsNames: asked, ipAddresses, emails, others } = subjectAltName;
  const owned: ReadonlySet<string> = new Set(dnsNames);
  const foreign = uris.filter((uri) => uri !== spiffeId.toString()).length;
  if (foreign > 0) yield `${count(foreign, 'URI')} of it ${foreign === 1 ? 'is' : 'are'} not ${spiffeId.toString()}, which is the only one that the identity has`;
  for (const [index, name] of asked.entries()) {
    // Places, not names: what a stranger wrote is not repeated.
    if (!owned.has(name.toLowerCase())) yield `its DNS name ${index + 1} is not one of the identity, which has ${dnsNames.join(', ') || 'none'}`;
  }
  if (ipAddresses.length > 0) yield `it asks for ${count(ipAddresses.length, 'IP address')}: identities have none`;
  if (emails.length > 0) yield `it asks for ${count(emails.length, 'e-mail address')}: identities have none`;
  if (others > 0) yield `it asks for ${count(others, 'name')} of another kind: identities have none`;
}

function* extensionExcess({ extensions, basicConstraints, keyUsage, extendedKeyUsage }: CertificateRequest): Generator<string> {
  if (basicConstraints?.ca === true) yield 'it asks for a certificate of an authority';
  if (keyUsage !== undefined && [...keyUsage.usages].some((usage) => usage !== 'digitalSignature' && usage !== 'keyEncipherment' && usage !== 'keyAgreement')) {
    yield 'it asks for key usages that an SVID of a workload has not: digitalSignature is what it gets';
  }
  if (extendedKeyUsage !== undefined && extendedKeyUsage.usages.some((usage) => !clientAndServer.has(usage))) yield 'it asks for extended key usages besides clientAuth and serverAuth';
  for (const { oid } of extensions) if (!known.has(oid)) yield `it asks for extension ${oid}, which no SVID has`;
}

function count(number: number, noun: string): string {
  if (number === 1) return `1 ${noun}`;
  return `${number} ${noun}${noun.endsWith('s') ? 'es' : 's'}`;
}
