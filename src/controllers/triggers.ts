import { isDeepStrictEqual } from 'node:util';
import { annotations, labels, type ConfigMap, type StoredObject } from '../resources/index.ts';
import { trustDomainOf } from './bundle/target.ts';
import type { BundleTargets } from './bundle/targets.ts';
import type { BundleCaches, IdentityCaches } from './caches.ts';
import type { Domains } from './domains.ts';
import type { Federation } from './federation/federation.ts';
import { affectedByIssuer } from './jwt/issuer-claim.ts';
import type { Controller } from './runtime/controller.ts';
import { authorityRecordLabel } from './trust-domain/record-store.ts';
import { trustDomainNameOf } from './workload-identity/resolve.ts';
import { claimOf } from './workload-identity/indexes.ts';
import { ownerOf } from './workload-identity/secret.ts';

/** What changes wake which trust domains and identities. More than needed is harmless: a plan of nothing costs nothing. */
export function wakeIdentities(caches: IdentityCaches, domains: Domains, trustDomainController: Controller, identityController: Controller): void {
  const { trustDomains, identities, secrets, serviceAccounts } = caches;
  trustDomains.onChange((before, after) => {
    // Known at once, open or not: an identity must never take another domain for the only one, or this one for missing.
    if (after !== undefined) domains.declare(after);
    trustDomainController.enqueue(undefined, nameOf(before, after));
    if (before?.spec.jwt?.issuer !== after?.spec.jwt?.issuer) for (const name of affectedByIssuer(before, after, trustDomains.values())) trustDomainController.enqueue(undefined, name);
  });
  identities.onChange((before, after) => {
    identityController.enqueue((after ?? before)?.metadata.namespace, nameOf(before, after));
    for (const object of [before, after]) if (object !== undefined) wakeClaimants(caches, identityController, claimOf(object));
    // A trust domain is told when it comes into use or falls out of it, not of each identity nor of each status of its only one.
    const [from, to] = [before, after].map((object) => object && trustDomainNameOf(object));
    for (const domain of from === to ? [] : [from, to]) {
      if (domain !== undefined && identities.countByIndex('trustDomain', domain) <= 1) trustDomainController.enqueue(undefined, domain);
    }
  });
  secrets.onChange((before, after) => {
    const secret = after ?? before;
    wakeClaimants(caches, identityController, `${secret?.metadata.namespace ?? ''}/${nameOf(before, after)}`);
    if (secret?.metadata.labels?.[authorityRecordLabel] !== undefined) {
      trustDomainController.enqueue(undefined, secret.metadata.labels[labels.trustDomain] ?? '');
    }
    for (const object of [before, after]) {
      const owner = object?.metadata.annotations?.[annotations.identity];
      if (owner !== undefined) identityController.enqueue(object?.metadata.namespace, owner);
    }
  });
  serviceAccounts?.onChange((before, after) => {
    if (before !== undefined && after !== undefined) return; // only coming and going matters
    const account = after ?? before;
    for (const identity of identities.byIndex('serviceAccount', `${account?.metadata.namespace ?? ''}/${account?.metadata.name ?? ''}`)) {
      identityController.enqueue(identity.metadata.namespace, identity.metadata.name);
    }
  });
  caches.namespaces?.onChange((before, after) => {
    const isLeaving = before?.metadata.deletionTimestamp === undefined && after?.metadata.deletionTimestamp !== undefined;
    if (!isLeaving && isDeepStrictEqual(before?.metadata.labels, after?.metadata.labels)) return;
    for (const identity of identities.byIndex('namespace', nameOf(before, after))) identityController.enqueue(identity.metadata.namespace, identity.metadata.name);
  });
  secrets.onKnown((namespace) => {
    for (const identity of identities.byIndex('namespace', namespace)) identityController.enqueue(namespace, identity.metadata.name);
  });
  domains.onChange(() => {
    for (const identity of identities.values()) identityController.enqueue(identity.metadata.namespace, identity.metadata.name);
  });
}

/**
 * Who claims this Secret, and for whom it was written: its state, or who has the better claim to it, may have changed; and
 * when nobody claims it any more, it may have to go with an identity that went earlier.
 */
function wakeClaimants({ identities, secrets }: IdentityCaches, controller: Controller, claim: string): void {
  for (const { metadata } of identities.byIndex('secretName', claim)) controller.enqueue(metadata.namespace, metadata.name);
  const [namespace = '', name = ''] = claim.split('/');
  const secret = secrets.get(namespace, name);
  const owner = secret === undefined ? undefined : ownerOf(secret);
  if (owner !== undefined) controller.enqueue(namespace, owner);
}

/** What changes wake which bundle targets: every namespace of a changed trust domain, every trust domain of a changed namespace. */
export function wakeBundles(caches: BundleCaches, domains: Domains, targets: BundleTargets, federation: Federation, bundleController: Controller, trustDomainController: Controller): void {
  const { namespaces, configMaps, clusterTrustBundles } = caches;
  const wakeDomain = (trustDomain: string): void => {
    bundleController.enqueue('', trustDomain);
    for (const namespace of namespaces.values()) bundleController.enqueue(namespace.metadata.name, trustDomain);
  };
  domains.onChange(wakeDomain);
  federation.onChange(wakeDomain);
  namespaces.onChange((before, after) => {
    for (const domain of domains.all()) bundleController.enqueue(nameOf(before, after), domain.object.metadata.name);
  });
  const wakeTarget = (object: ConfigMap | StoredObject | undefined): void => {
    const trustDomain = object === undefined ? undefined : trustDomainOf(object);
    if (trustDomain !== undefined) bundleController.enqueue(object?.metadata.namespace, trustDomain);
  };
  configMaps?.onChange((before, after) => wakeTarget(after ?? before));
  clusterTrustBundles?.onChange((before, after) => wakeTarget(after ?? before));
  targets.onChange((trustDomain) => trustDomainController.enqueue(undefined, trustDomain));
}

function nameOf(before: StoredObject | undefined, after: StoredObject | undefined): string {
  return (after ?? before)?.metadata.name ?? '';
}
