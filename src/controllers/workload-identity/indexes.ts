import { labels, type WorkloadIdentity } from '../../resources/index.ts';
import type { SecretMetadata } from '../../store/port.ts';
import type { Cache } from '../runtime/cache.ts';
import { trustDomainNameOf } from './resolve.ts';
import { ownerOf } from './secret.ts';

/** Indexes that the reconciler of identities and its triggers need. */
export function indexSecrets(secrets: Cache<SecretMetadata>): void {
  secrets.addIndex('identity', (secret) => {
    const owner = ownerOf(secret);
    return owner === undefined ? [] : [`${secret.metadata.namespace ?? ''}/${owner}`];
  });
  secrets.addIndex('trustDomain', (secret) => {
    const name = secret.metadata.labels?.[labels.trustDomain];
    return name === undefined ? [] : [name];
  });
}

/** See `indexSecrets`. */
export function indexIdentities(identities: Cache<WorkloadIdentity>): void {
  identities.addIndex('namespace', (identity) => [identity.metadata.namespace ?? '']);
  identities.addIndex('trustDomain', (identity) => [trustDomainNameOf(identity)].filter((name) => name !== undefined));
  identities.addIndex('serviceAccount', ({ metadata, spec }) => [`${metadata.namespace ?? ''}/${spec.serviceAccountName ?? metadata.name}`]);
  identities.addIndex('secretName', (identity) => [claimOf(identity)]);
}

/** The Secret that an identity claims, `namespace/name`. Asks nothing else of its spec: one bad object must not fail an index. */
export function claimOf({ metadata, spec }: WorkloadIdentity): string {
  return `${metadata.namespace ?? ''}/${spec.secretName ?? `${metadata.name}-mtls`}`;
}
