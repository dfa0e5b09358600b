import type { CertificateView } from '../certificate-view.ts';

/** What a certificate is for: the two sorts that the standards tell apart. */
export type Role = 'leaf' | 'authority';

/**
 * `error`: a MUST of a standard; readers refuse the certificate. `warning`: a SHOULD, or a rule of this project; some
 * readers refuse it, or it is a sign of a mistake.
 */
export type Severity = 'error' | 'warning';

/** One thing that must hold of a certificate. A rule is data: adding one is writing it and naming it in the list. */
export interface Rule {
  /** Unique. `SPIFFE-6` or `SPIFFE-10.critical` for the SPIFFE standards, `RFC5280-serial`, `HOUSE-dns-names`. */
  readonly id: string;
  readonly appliesTo: readonly Role[];
  readonly severity: Severity;
  /** Where it is written: document and section. */
  readonly citation: string;
  /** What must hold, one sentence. */
  readonly description: string;
  /** What to do about a certificate that breaks it, one sentence. */
  readonly remedy: string;
  /** Undefined when it holds, otherwise what is wrong: a clause that goes on from "the certificate …". Never throws. */
  readonly check: (view: CertificateView) => string | undefined;
}

/** Fixes the type of a rule without widening it. */
export function rule(definition: Rule): Rule {
  return definition;
}
