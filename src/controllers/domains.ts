import { isDeepStrictEqual } from 'node:util';
import { bundleSha256, rootsOf, type AuthorityRecord } from '../authority/index.ts';
import type { Issuer, IssuancePolicy } from '../issuance/index.ts';
import type { TrustDomain } from '../resources/index.ts';
import type { JwtDomain } from './jwt/domain.ts';
import { encodeSpiffeBundle, type TrustDomainName } from '../spiffe/index.ts';

/** The trust bundle of a domain as it is delivered: rendered once, written many times. */
export interface RenderedBundle {
  readonly generation: number;
  readonly sha256: string;
  /** The roots, PEM: `ca.crt`. */
  readonly caPem: string;
  /** SPIFFE bundle, X.509 roots only: `bundle.json`. */
  readonly json: string;
}

/** Why a trust domain cannot issue. */
export interface DomainProblem {
  readonly reason: string;
  readonly message: string;
}

/** A trust domain as the identity controller needs it. */
export interface DomainState {
  readonly object: TrustDomain;
  readonly isDefault: boolean;
  readonly policy: IssuancePolicy | undefined;
  readonly record: AuthorityRecord | undefined;
  readonly issuer: Issuer | undefined;
  readonly bundle: RenderedBundle | undefined;
  /** What it issues tokens with; undefined: it issues none. */
  readonly jwt?: JwtDomain | undefined;
  readonly problem: DomainProblem | undefined;
}

/** The trust domains that exist, with their open issuers: filled by the TrustDomain reconciler, read by the others. */
export class Domains {
  readonly #states = new Map<string, DomainState>();
  readonly #listeners: ((name: string) => void)[] = [];

  get(name: string): DomainState | undefined {
    return this.#states.get(name);
  }

  all(): readonly DomainState[] {
    return [...this.#states.values()];
  }

  /** Says that a trust domain exists, before anything else is known of it: what is known otherwise stays. */
  declare(object: TrustDomain): void {
    const known = this.#states.get(object.metadata.name);
    const isDefault = object.spec.default ?? false;
    const unknown = { policy: undefined, record: undefined, issuer: undefined, bundle: undefined, problem: undefined };
    if (known === undefined) this.set(object.metadata.name, { object, isDefault, ...unknown });
    else if (known.isDefault !== isDefault) this.set(object.metadata.name, { ...known, isDefault });
  }

  set(name: string, state: DomainState): void {
    this.#states.set(name, state);
    for (const listener of this.#listeners) listener(name);
  }

  delete(name: string): void {
    if (!this.#states.delete(name)) return;
    for (const listener of this.#listeners) listener(name);
  }

  onChange(listener: (name: string) => void): void {
    this.#listeners.push(listener);
  }
}

/** Renders the bundle of a record: `ca.crt` and `bundle.json` of every identity of the domain. */
export function renderBundle(trustDomain: TrustDomainName, record: AuthorityRecord): RenderedBundle {
  const roots = rootsOf(record);
  return {
    generation: record.bundleGeneration,
    sha256: bundleSha256(record),
    caPem: roots.map((root) => root.certificatePem).join(''),
    json: encodeSpiffeBundle({
      trustDomain,
      x509Roots: roots.map((root) => root.certificate.der),
      jwtKeys: [],
      sequence: record.bundleSequence,
      refreshHintSeconds: undefined,
    }),
  };
}

/** Whether identities would decide the same on both. */
export function sameDomain(a: DomainState, b: DomainState): boolean {
  return a.issuer === b.issuer && a.jwt?.issuer === b.jwt?.issuer && isDeepStrictEqual(whatCounts(a), whatCounts(b));
}

/** What identities, bundles and rotations look at. What is reserved for pod certificates is none of their business. */
function whatCounts({ object, isDefault, bundle, problem, policy, record, jwt }: DomainState): unknown {
  const authorities = record?.authorities.map(({ keyIdentifier, state }) => `${keyIdentifier} ${state}`);
  return { spec: object.spec, isDefault, sha256: bundle?.sha256, generation: bundle?.generation, problem: problem?.message, policy, authorities, rotation: record?.rotation, issuerTakenBy: jwt?.takenBy, jwt: record?.jwt?.keys.map(({ keyIdentifier, state }) => `${keyIdentifier} ${state}`) };
}
