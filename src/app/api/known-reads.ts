import type { KnownObjects } from '../../controllers/index.ts';
import { isMtlsdError } from '../../errors/index.ts';
import { resolvedIdentitySpec, type TrustDomain, type WorkloadIdentity } from '../../resources/index.ts';
import type { AuthorityView, Caller, IdentityView, Page, PageAsked, ReadSource, RotationView, Sight } from '../../server/index.ts';
import { externalSegment, parseTrustDomainName, workloadSpiffeId } from '../../spiffe/index.ts';
import { rotationRow } from '../overview/rotation-row.ts';
import { pageOf } from './page.ts';

/** Shows the objects of a daemon, within what a sight allows. */
export class KnownReads implements ReadSource {
  readonly #known: KnownObjects;

  constructor(known: KnownObjects) {
    this.#known = known;
  }

  identities({ caller, wanted, everything }: Sight, page: PageAsked): Page<IdentityView> {
    const namespace = wanted.kind === 'WorkloadIdentity' ? wanted.namespace : undefined;
    if (everything) return viewed(pageOf(this.#known.identities(namespace), keyOf, page), identityView);
    if (caller.kind === 'external') return pageOf(namespace === undefined ? [externalView(caller)] : [], ({ name }) => name, page);
    return viewed(pageOf(namespace === undefined || namespace === caller.namespace ? this.#own(caller) : [], keyOf, page), identityView);
  }

  identity({ caller, wanted, everything }: Sight): IdentityView | undefined {
    if (wanted.kind !== 'WorkloadIdentity' || wanted.namespace === undefined || wanted.name === undefined) return undefined;
    const identity = this.#known.identity(wanted.namespace, wanted.name);
    if (identity === undefined || !(everything || this.#own(caller).includes(identity))) return undefined;
    return identityView(identity);
  }

  authorities({ caller, everything }: Sight, page: PageAsked): Page<AuthorityView> {
    const own = everything ? undefined : this.#ownTrustDomains(caller);
    const shown = [...this.#known.trustDomains()].filter(({ metadata }) => own === undefined || own.has(metadata.name));
    return pageOf(shown.flatMap(authorityViews), ({ trustDomain, keyIdentifier }) => `${trustDomain}/${keyIdentifier}`, page);
  }

  /** A rotation is of a trust domain, and nobody's own. */
  rotations({ everything }: Sight, page: PageAsked): Page<RotationView> {
    return viewed(pageOf(everything ? this.#known.rotations() : [], ({ metadata }) => metadata.name, page), rotationRow);
  }

  #own(caller: Caller): readonly WorkloadIdentity[] {
    return caller.kind === 'external' ? [] : this.#known.identitiesFor(caller.namespace, caller.name);
  }

  /** Those that its identities are in. */
  #ownTrustDomains(caller: Caller): ReadonlySet<string | undefined> {
    return new Set(caller.kind === 'external' ? [caller.trustDomain] : this.#own(caller).map(({ status }) => status?.trustDomain));
  }
}

function viewed<T, V>({ items, more }: Page<T>, view: (item: T) => V): Page<V> {
  return { items: items.map(view), more };
}

function keyOf({ metadata }: WorkloadIdentity): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

function identityView(identity: WorkloadIdentity): IdentityView {
  const { metadata, status = {} } = identity;
  const { trustDomain, spiffeID, serialNumber, notBefore, notAfter, renewalTime, issuer, bundleGeneration, conditions = [] } = status;
  return {
    kind: 'WorkloadIdentity',
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    serviceAccount: resolvedIdentitySpec(identity).serviceAccountName,
    trustDomain,
    spiffeId: spiffeID,
    serialNumber,
    notBefore,
    notAfter,
    renewalTime,
    issuer,
    bundleGeneration,
    conditions,
  };
}

function externalView({ entry, trustDomain, segments }: Extract<Caller, { kind: 'external' }>): IdentityView {
  return { kind: 'ExternalIdentity', name: entry, trustDomain, spiffeId: externalId(trustDomain, entry, segments) };
}

/** Undefined where its claims are too long for one: then it gets no certificate either. */
function externalId(trustDomain: string, entry: string, segments: readonly string[]): string | undefined {
  try {
    return workloadSpiffeId(parseTrustDomainName(trustDomain), ['', externalSegment, entry, ...segments].join('/')).toString();
  } catch (error) {
    if (!isMtlsdError(error)) throw error;
    return undefined;
  }
}

function authorityViews({ metadata, status }: TrustDomain): readonly AuthorityView[] {
  return (status?.authorities ?? []).map(({ keyIdentifier, role, state, notBefore, notAfter }) => ({ trustDomain: metadata.name, keyIdentifier, role, state, notBefore, notAfter }));
}
