import type { CertificateView } from '../certificate-view.ts';
import { authorityConstraintsRules } from './authority-constraints.ts';
import { authorityExtendedKeyUsageRule } from './authority-extended-key-usage.ts';
import { authoritySpiffeIdRule } from './authority-spiffe-id.ts';
import { criticalSanRule } from './critical-san.ts';
import { cryptographyRules } from './cryptography.ts';
import { dnsNamesRules } from './dns-names.ts';
import { leafBasicConstraintsRules } from './leaf-basic-constraints.ts';
import { leafExtendedKeyUsageRule } from './leaf-extended-key-usage.ts';
import { leafKeyUsageRules } from './leaf-key-usage.ts';
import { nameConstraintsRules } from './name-constraints.ts';
import { extensionRules } from './rfc5280-extensions.ts';
import { fieldRules } from './rfc5280-fields.ts';
import { keyIdentifierRules } from './rfc5280-key-identifiers.ts';
import type { Role, Rule, Severity } from './rule.ts';
import { spiffeIdFormRules } from './spiffe-id-form.ts';
import { uriCountRule } from './uri-count.ts';
import { workloadPathRule } from './workload-path.ts';

const rules: readonly Rule[] = [
  ...spiffeIdFormRules,
  uriCountRule,
  workloadPathRule,
  criticalSanRule,
  ...leafBasicConstraintsRules,
  ...leafKeyUsageRules,
  leafExtendedKeyUsageRule,
  ...authorityConstraintsRules,
  authoritySpiffeIdRule,
  ...nameConstraintsRules,
  authorityExtendedKeyUsageRule,
  ...fieldRules,
  ...keyIdentifierRules,
  ...extensionRules,
  ...cryptographyRules,
  ...dnsNamesRules,
];

/** Every rule for the certificate of a workload. */
export const leafRules: readonly Rule[] = rules.filter((rule) => rule.appliesTo.includes('leaf'));
/** Every rule for the certificate of an authority, root or issuing. */
export const authorityRules: readonly Rule[] = rules.filter((rule) => rule.appliesTo.includes('authority'));

/** A rule that a certificate breaks. */
export interface Finding {
  /** The rule's `id`. */
  readonly rule: string;
  readonly severity: Severity;
  readonly citation: string;
  /** What is wrong with this certificate: a clause that goes on from "the certificate …". */
  readonly message: string;
  readonly remedy: string;
}

/** Every rule that a certificate breaks in its role; none: it keeps them all. Never throws, whatever the certificate holds. */
export function lint(view: CertificateView, role: Role): readonly Finding[] {
  const findings: Finding[] = [];
  for (const { id, severity, citation, remedy, check } of role === 'leaf' ? leafRules : authorityRules) {
    const message = check(view);
    if (message !== undefined) findings.push({ rule: id, severity, citation, message, remedy });
  }
  return findings;
}
