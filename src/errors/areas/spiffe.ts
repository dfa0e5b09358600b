import { entry } from '../entry.ts';

interface ValueDetails extends Readonly<Record<string, string>> {
  /** The text that was refused, shortened. */
  readonly value: string;
}

interface RuleDetails extends ValueDetails {
  /** The rule that it breaks, such as `SPIFFE-3`. */
  readonly rule: string;
}

/** Errors of `spiffe`: names that break the SPIFFE standards, and bundles that cannot be read. */
export const spiffeErrors = {
  SPIFFE_TRUST_DOMAIN_INVALID: entry<RuleDetails>({
    meaning: 'The name of a trust domain breaks the SPIFFE ID standard.',
    remedy: 'Use 1 to 255 characters out of a-z, 0-9, ".", "_" and "-", such as "shop.example".',
    status: 422,
    retry: 'never',
    reason: 'InvalidTrustDomain',
  }),
  SPIFFE_ID_INVALID: entry<RuleDetails>({
    meaning: 'A SPIFFE ID breaks the SPIFFE ID standard.',
    remedy: 'Write spiffe://<trust domain>/<path> as the message says, such as spiffe://shop.example/ns/shop/sa/cart.',
    status: 422,
    retry: 'never',
    reason: 'InvalidSpiffeId',
  }),
  SPIFFE_PATH_TEMPLATE_INVALID: entry<ValueDetails>({
    meaning: 'A path template cannot give every workload a SPIFFE ID of its own.',
    remedy: 'Use {namespace} and {serviceAccount}, each in a segment of its own, such as "/ns/{namespace}/sa/{serviceAccount}".',
    status: 422,
    retry: 'never',
    reason: 'InvalidPathTemplate',
  }),
  DNS_NAME_INVALID: entry<ValueDetails>({
    meaning: 'A DNS name cannot stand in a certificate.',
    remedy: 'Write the name as the message says: lower case, ASCII, no wildcard, no trailing dot, no IP address.',
    status: 422,
    retry: 'never',
    reason: 'InvalidDnsName',
  }),
  SPIFFE_BUNDLE_INVALID: entry<{ readonly trustDomain: string; readonly rule: string }>({
    meaning: 'A SPIFFE bundle document cannot be read as a whole.',
    remedy: 'Fetch the bundle again from its source, or have its publisher correct what the message names.',
    status: 422,
    retry: 'never',
    reason: 'InvalidBundle',
  }),
} as const;
