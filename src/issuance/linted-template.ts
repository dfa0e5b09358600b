import { MtlsdError } from '../errors/index.ts';
import { lint, parseTrustDomainName, workloadSpiffeId, parseDnsName } from '../spiffe/index.ts';
import {
  generateKeyPair,
  judgeTemplate,
  LeafTemplate,
  parseCertificate,
  signData,
  type Certificate,
  type KeyAlgorithm,
  type LeafFields,
} from '../x509/index.ts';

/**
 * A leaf template that passed every lint rule. The class is not exported, so that only `lintTemplate` makes one: an
 * unlinted template cannot be signed; and what is patched into it is of validated types, so that no field can break what
 * was linted.
 */
class Linted {
  readonly #template: LeafTemplate;

  constructor(template: LeafTemplate) {
    this.#template = template;
  }

  toBeSigned(fields: LeafFields): Uint8Array {
    return this.#template.toBeSigned(fields);
  }

  assemble(toBeSigned: Uint8Array, signature: Uint8Array): Uint8Array {
    return this.#template.assemble(toBeSigned, signature);
  }
}

export type LintedTemplate = Linted;

/**
 * Compiles the template of an issuing authority, has an independent parser judge it, and lints sample leaves that are
 * signed with a throw-away key, never with the authority's.
 * @throws ISSUANCE_LINT_FAILED with every finding, X509_TEMPLATE_UNSOUND
 */
export async function lintTemplate(issuer: Certificate, signatureAlgorithm: KeyAlgorithm): Promise<LintedTemplate> {
  const template = LeafTemplate.compile(issuer, signatureAlgorithm);
  await judgeTemplate(template, issuer, signatureAlgorithm);
  const throwAway = await generateKeyPair(signatureAlgorithm);
  const findings = samples(throwAway.publicKey, issuer).flatMap((fields) => {
    const toBeSigned = template.toBeSigned(fields);
    const leaf = parseCertificate(template.assemble(toBeSigned, signData(throwAway.privateKey, signatureAlgorithm, toBeSigned)));
    return lint(leaf, 'leaf').map((finding) => `${finding.rule}: ${finding.message}`);
  });
  if (findings.length > 0) {
    throw new MtlsdError('ISSUANCE_LINT_FAILED', `the leaf template breaks ${findings.join('; ')}; nothing was signed`, { details: { findings } });
  }
  return new Linted(template);
}

/** With and without what is optional: each variant of the profile is linted. */
function samples(publicKey: LeafFields['publicKey'], issuer: Certificate): readonly LeafFields[] {
  const common = {
    serialNumber: Buffer.alloc(16, 0x5a),
    notBeforeMs: issuer.notBeforeMs,
    notAfterMs: issuer.notAfterMs,
    publicKey,
    spiffeId: workloadSpiffeId(parseTrustDomainName('lint.example'), '/ns/lint/sa/lint'),
  };
  const names = [parseDnsName('lint.lint.svc'), parseDnsName('lint.lint.svc.cluster.local')];
  return [
    { ...common, dnsNames: [], commonName: undefined },
    { ...common, dnsNames: names, commonName: undefined },
    { ...common, dnsNames: names, commonName: 'lint' },
  ];
}
