import { isIP } from 'node:net';
import type { NameConstraintsView } from '../certificate-view.ts';
import { quote } from '../quote.ts';

/** RFC 5280 §4.2.1.10: the host of a URI, or undefined when it has none that is a name; then the certificate is refused. */
function hostOf(uri: string): string | undefined {
  const [, authority = ''] = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^/?#]*)/u.exec(uri) ?? [];
  const host = authority.slice(authority.lastIndexOf('@') + 1).replace(/:\d*$/u, '').toLowerCase();
  return host === '' || host.startsWith('[') || isIP(host) !== 0 ? undefined : host;
}

/**
 * RFC 5280 §4.2.1.10: a leading dot means at least one label more; without it, the host must be equal. Readers differ on the
 * second (Go takes in the hosts below) and on an empty constraint (nothing to OpenSSL, everything to Go). A permission is
 * read as the narrowest of them does, an exclusion as the widest: what is accepted here breaks no limit anywhere.
 */
function uriPermitted(host: string, constraint: string): boolean {
  const wanted = constraint.toLowerCase();
  return wanted.startsWith('.') ? host.length > wanted.length && host.endsWith(wanted) : host === wanted;
}

function uriExcluded(host: string, constraint: string): boolean {
  const wanted = constraint.toLowerCase();
  return wanted === '' || host === wanted || host.endsWith(wanted.startsWith('.') ? wanted : `.${wanted}`);
}

/** A DNS constraint holds for the name and all below it; a leading dot, which some issuers write, for those below alone. */
function dnsMatches(name: string, constraint: string): boolean {
  const wanted = constraint.toLowerCase();
  if (wanted === '') return true;
  if (wanted.startsWith('.')) return name.length > wanted.length && name.endsWith(wanted);
  return name === wanted || name.endsWith(`.${wanted}`);
}

type Matches = (constraint: string) => boolean;

/** What a name breaks among constraints of its own type, or undefined. */
function subtreeProblem(
  shown: string,
  [permits, excludes]: readonly [permits: Matches, excludes: Matches],
  permitted: readonly string[],
  excluded: readonly string[],
): string | undefined {
  const hit = excluded.find(excludes);
  if (hit !== undefined) return `${shown} is excluded (${quote(hit)})`;
  if (permitted.length === 0 || permitted.some(permits)) return undefined;
  return `${shown} is not among those permitted (${permitted.slice(0, 4).map(quote).join(', ')})`;
}

/** The names of a certificate that constraints speak of. */
interface Names {
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  readonly emails: readonly string[];
}

/** Labels that are not empty, out of visible ASCII. */
const comparableHost = /^[!-\-/-~]+(?:\.[!-\-/-~]+)*$/u;
const comparableEmail = /^[!-?A-~]+@([!-?A-~]+)$/u;

/** A name that a reader cannot take apart it cannot compare either: Go refuses it below any name constraint at all. */
function incomparable({ dnsNames, emails }: Names): string | undefined {
  const dnsName = dnsNames.find((name) => !comparableHost.test(name));
  if (dnsName !== undefined) return `the DNS name ${quote(dnsName)}`;
  const email = emails.find((address) => !comparableHost.test(comparableEmail.exec(address)?.[1] ?? ''));
  return email === undefined ? undefined : `the email address ${quote(email)}`;
}

/**
 * What is wrong with `names` under the constraints of one authority above them, or undefined. Constraints of a type that
 * cannot be applied are refused, whether or not the names have that type: nothing is trusted by leaving a limit out.
 */
export function nameConstraintsProblem(constraints: NameConstraintsView, names: Names): string | undefined {
  const { permittedUris, excludedUris, permittedDnsNames, excludedDnsNames, others } = constraints;
  if (others > 0) return `${others} of the constraints are about neither URIs nor DNS names, and cannot be applied`;
  const odd = incomparable(names);
  if (odd !== undefined) return `${odd} is malformed and cannot be compared`;
  const hasUriConstraints = permittedUris.length + excludedUris.length > 0;
  for (const uri of hasUriConstraints ? names.uris : []) {
    const host = hostOf(uri);
    if (host === undefined) return `the URI ${quote(uri)} has no host name to compare`;
    const problem = subtreeProblem(`the URI ${quote(uri)}`, [(constraint) => uriPermitted(host, constraint), (constraint) => uriExcluded(host, constraint)], permittedUris, excludedUris);
    if (problem !== undefined) return problem;
  }
  for (const dnsName of names.dnsNames) {
    const name = dnsName.toLowerCase();
    const shown = `the DNS name ${quote(dnsName)}`;
    // A wildcard reaches into what is excluded below it: "*.example" serves "db.example".
    const excludedBelow = name.startsWith('*.') ? excludedDnsNames.find((constraint) => constraint.toLowerCase().endsWith(name.slice(1))) : undefined;
    if (excludedBelow !== undefined) return `${shown} is excluded (${quote(excludedBelow)})`;
    const matches: Matches = (constraint) => dnsMatches(name, constraint);
    const problem = subtreeProblem(shown, [matches, matches], permittedDnsNames, excludedDnsNames);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
