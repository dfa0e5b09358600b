import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** One generation of an identity, as a consumer finds it that resolves `..data` once. */
export interface Pair {
  readonly generation: string;
  readonly leaf: X509Certificate;
  readonly issuing: X509Certificate;
  readonly roots: readonly X509Certificate[];
  readonly bundleJson: string;
  readonly spiffeId: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

const certificatesIn = (pem: string): readonly X509Certificate[] => (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/gu) ?? []).map((block) => new X509Certificate(block));

/** The folder of an identity, read as its workload reads it. */
export class Identity {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  /**
   * What is in force now, after every file was judged by Node against the others: one pair, a chain to a root of the bundle,
   * valid now. Undefined when nothing was issued yet.
   * @throws when anything does not fit
   */
  read(): Pair | undefined {
    const target = resolveData(this.folder);
    return target === undefined ? undefined : judge(join(this.folder, target), target);
  }

  /** As `read`, of an identity that must be there. */
  now(): Pair {
    const pair = this.read();
    if (pair === undefined) throw new Error(`${this.folder} holds nothing`);
    return pair;
  }
}

function resolveData(folder: string): string | undefined {
  try {
    return readlinkSync(join(folder, '..data'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function judge(folder: string, generation: string): Pair {
  const text = (name: string): string => readFileSync(join(folder, name), 'utf8');
  const [chain, keyPem, bundle] = [certificatesIn(text('tls.crt')), text('tls.key'), text('credential-bundle.pem')];
  const roots = certificatesIn(text('ca.crt'));
  const [leaf, issuing] = chain;
  if (leaf === undefined || issuing === undefined || chain.length !== 2) throw new Error(`${folder}: tls.crt holds ${chain.length} certificates`);
  requireThat(leaf.checkPrivateKey(createPrivateKey(keyPem)), `${folder}: tls.key is not the key of tls.crt`);
  requireThat(bundle === keyPem + text('tls.crt'), `${folder}: credential-bundle.pem is not key and chain`);
  requireThat(leaf.checkIssued(issuing) && leaf.verify(issuing.publicKey), `${folder}: the leaf was not signed by the certificate behind it`);
  requireThat(roots.some((root) => issuing.checkIssued(root) && issuing.verify(root.publicKey)), `${folder}: no root of ca.crt signed the issuing authority`);
  const pair = {
    generation,
    leaf,
    issuing,
    roots,
    bundleJson: text('bundle.json'),
    spiffeId: leaf.subjectAltName?.match(/URI:(\S+?)(?:,|$)/u)?.[1] ?? '',
    notBeforeMs: leaf.validFromDate.getTime(),
    notAfterMs: leaf.validToDate.getTime(),
  };
  const nowMs = Date.now();
  for (const certificate of [leaf, issuing, ...roots]) {
    requireThat(certificate.validFromDate.getTime() <= nowMs && nowMs < certificate.validToDate.getTime(), `${folder}: ${certificate.subject || pair.spiffeId} is not valid now`);
  }
  return pair;
}

function requireThat(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}
