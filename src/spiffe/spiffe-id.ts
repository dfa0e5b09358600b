import { MtlsdError } from '../errors/index.ts';
import { quote, shorten } from './quote.ts';
import { type TrustDomainName, trustDomainProblem } from './trust-domain.ts';

/** SPIFFE-4: what every reader must support, and so what we never exceed. */
const idBytesMax = 2048;
const prefix = 'spiffe://';

interface Problem {
  readonly rule: string;
  readonly sentence: string;
}

/**
 * A SPIFFE ID that keeps SPIFFE-1 to SPIFFE-5. Made by `parseSpiffeId`, `requireSpiffeId` or `workloadSpiffeId` alone;
 * two are equal when their texts are.
 */
export class SpiffeId {
  readonly trustDomain: TrustDomainName;
  /** `''` for the ID of the trust domain itself, otherwise it starts with `/`. Case-sensitive. */
  readonly path: string;

  private constructor(trustDomain: TrustDomainName, path: string) {
    this.trustDomain = trustDomain;
    this.path = path;
  }

  /** @internal Both parts must have been checked. */
  static fromChecked(trustDomain: TrustDomainName, path: string): SpiffeId {
    return new SpiffeId(trustDomain, path);
  }

  /** The URI, such as `spiffe://shop.example/ns/shop/sa/cart`. */
  toString(): string {
    return `${prefix}${this.trustDomain}${this.path}`;
  }

  toJSON(): string {
    return this.toString();
  }
}

/** What is wrong with a path (`''` or one that starts with `/`), or undefined: SPIFFE-3. */
export function pathProblem(path: string): Problem | undefined {
  if (path === '') return undefined;
  const broken = (sentence: string): Problem => ({ rule: 'SPIFFE-3', sentence });
  if (!path.startsWith('/')) return broken(`the path must start with "/": write "/${shorten(path)}"`);
  if (path.endsWith('/')) return broken('the path ends with "/": leave the trailing slash out');
  for (const segment of path.slice(1).split('/')) {
    if (segment === '') return broken('the path has an empty segment ("//"): write a single slash');
    if (segment === '.' || segment === '..') return broken(`the path has the segment "${segment}": write the path out`);
    const [strange] = /[^A-Za-z0-9._-]/u.exec(segment) ?? [];
    if (strange === '%') return broken('the path has "%": percent-encoding is not allowed');
    if (strange !== undefined) {
      return broken(`the path has ${quote(strange)}: use only A-Z, a-z, 0-9, ".", "_" and "-" in a segment`);
    }
  }
  return undefined;
}

/** What is wrong with the authority part, told apart by what people write there: SPIFFE-1 and SPIFFE-2. */
function authorityProblem(authority: string): Problem | undefined {
  if (authority.includes('@')) return { rule: 'SPIFFE-1', sentence: 'it has user info ("@"): leave that out' };
  if (authority.startsWith('[')) return { rule: 'SPIFFE-2', sentence: 'its trust domain is an IPv6 literal: use a name' };
  if (authority.includes(':')) return { rule: 'SPIFFE-1', sentence: 'it has a port (":"): leave that out' };
  const problem = trustDomainProblem(authority);
  return problem && { rule: problem.rule, sentence: `its trust domain ${quote(authority)} is refused: ${problem.sentence}` };
}

function split(text: string): { readonly authority: string; readonly path: string } {
  const rest = text.slice(prefix.length);
  const slash = rest.indexOf('/');
  return slash === -1 ? { authority: rest, path: '' } : { authority: rest.slice(0, slash), path: rest.slice(slash) };
}

/** Which rule `text` breaks as a SPIFFE ID and how, or undefined: SPIFFE-1 to SPIFFE-5. */
export function spiffeIdProblem(text: string): Problem | undefined {
  if (text === '') return { rule: 'SPIFFE-1', sentence: 'it is empty: write spiffe://<trust domain>/<path>' };
  if (!text.startsWith(prefix)) {
    if (text.toLowerCase().startsWith(prefix)) return { rule: 'SPIFFE-5', sentence: 'write the scheme "spiffe" in lower case' };
    return { rule: 'SPIFFE-1', sentence: `it must start with "${prefix}"` };
  }
  if (Buffer.byteLength(text) > idBytesMax) {
    return { rule: 'SPIFFE-4', sentence: `it is longer than ${idBytesMax} bytes: shorten the path` };
  }
  const [separator] = /[?#]/u.exec(text) ?? [];
  if (separator !== undefined) {
    const part = separator === '?' ? 'a query' : 'a fragment';
    return { rule: 'SPIFFE-1', sentence: `it has ${part} ("${separator}"): leave that out` };
  }
  const { authority, path } = split(text);
  return authorityProblem(authority) ?? pathProblem(path);
}

function refuse(text: string, problem: Problem): never {
  throw new MtlsdError('SPIFFE_ID_INVALID', `SPIFFE ID ${quote(text)} is refused: ${problem.sentence} (${problem.rule}).`, {
    details: { value: shorten(text), rule: problem.rule },
  });
}

/**
 * The SPIFFE ID in untrusted `text`, of a workload or of a trust domain itself.
 *
 * @throws MtlsdError `SPIFFE_ID_INVALID`, whose details name the rule that is broken
 */
export function parseSpiffeId(text: string): SpiffeId {
  const problem = spiffeIdProblem(text);
  if (problem !== undefined) refuse(text, problem);
  const { authority, path } = split(text);
  return SpiffeId.fromChecked(authority as TrustDomainName, path);
}

/** A SPIFFE ID that is a constant of the program: one that is refused is a bug, and crashes. */
export function requireSpiffeId(text: string): SpiffeId {
  try {
    return parseSpiffeId(text);
  } catch (cause) {
    throw new TypeError(`the constant ${quote(text)} is not a SPIFFE ID`, { cause });
  }
}

/**
 * The SPIFFE ID of a workload: `path` starts with `/` and is not the root (SPIFFE-7).
 *
 * @throws MtlsdError `SPIFFE_ID_INVALID`
 */
export function workloadSpiffeId(trustDomain: TrustDomainName, path: string): SpiffeId {
  const text = `${prefix}${trustDomain}${path}`;
  if (path === '' || path === '/') {
    refuse(text, { rule: 'SPIFFE-7', sentence: "a workload's ID needs a path, such as /ns/shop/sa/cart" });
  }
  const problem = pathProblem(path);
  if (problem !== undefined) refuse(text, problem);
  return parseSpiffeId(text);
}
