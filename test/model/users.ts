import type { Secret, TrustDomainSpec, WorkloadIdentity, WorkloadIdentitySpec } from '../../src/resources/index.ts';
import type { World } from './world.ts';

/** People who use the product, and other programs in the same cluster: what they do by chance, valid or not. */

const namespaces = ['shop', 'bank'] as const;
const names = ['cart', 'till', 'web'] as const;
const trustDomainNames = ['a.example', 'b.example'] as const;
const systemNamespace = 'mtlsd-system';

/** Lives of a root, an issuing authority and an SVID that fit each other, as admission demands. */
const lives = [
  { root: '8760h', issuing: '336h', maxTTL: '24h', ttl: '1h' },
  { root: '48h', issuing: '8h', maxTTL: '4h', ttl: '30m' },
  { root: '8760h', issuing: '4h', maxTTL: '1h', ttl: '10m' },
  { root: '720h', issuing: '48h', maxTTL: '2h', ttl: '2h' },
] as const;

export function drawTrustDomain(world: World): TrustDomainSpec {
  const { random } = world;
  const life = random.pick(lives);
  const patterns = random.pick([undefined, undefined, [], ['*.{namespace}.svc'], ['*.example.org', '*.{namespace}.svc']]);
  return {
    rootAuthority: { lifetime: life.root },
    issuingAuthority: { lifetime: life.issuing },
    svid: { ttl: life.ttl, maxTTL: life.maxTTL },
    ...(patterns === undefined ? {} : { dnsNames: { allowedPatterns: patterns } }),
    ...(random.chance(0.3) ? { default: true } : {}),
    // As with formats of identities: it follows from another draw.
    ...(life.ttl === '2h' ? { jwt: { ttl: '1h', keyLifetime: '1h' } } : {}),
  };
}

export function drawIdentity(world: World): WorkloadIdentitySpec {
  const { random } = world;
  const some = <T>(probability: number, value: T): T | undefined => (random.chance(probability) ? value : undefined);
  const drawn = {
    trustDomain: some(0.4, random.pick(trustDomainNames)),
    serviceAccountName: some(0.2, random.pick(names)),
    dnsNames: some(0.6, random.pick([['cart.shop.svc'], ['till.bank.svc', 'till.bank.svc', 'a.bank.svc'], ['x.example.org'], ['evil.example.com'], ['UPPER.shop.svc'], ['*.shop.svc']])),
    commonName: some(0.1, 'postgres'),
    ttl: some(0.6, random.pick(['1m', '5m', '20m', '1h', '6h', '24h'])),
    keyAlgorithm: some(0.2, 'ED25519' as const),
    secretName: some(0.3, 'shared-mtls'),
    secretTemplate: some(0.2, { labels: { team: random.pick(['red', 'blue']) }, annotations: { note: random.pick(['one', 'two']) } }),
    deletionPolicy: some(0.4, random.pick(['Delete', 'Retain'] as const)),
  };
  // Follows from another draw: a draw of its own would give every seed another story.
  const formats = drawn.deletionPolicy === 'Delete' ? { der: true } : undefined;
  const jwt = drawn.deletionPolicy === 'Retain' ? { audiences: [{ name: 'bank', audience: 'https://bank.example' }] } : undefined;
  return Object.fromEntries(Object.entries({ ...drawn, formats, jwt }).filter(([, value]) => value !== undefined)) as WorkloadIdentitySpec;
}

export function putTrustDomain(world: World, name: string, spec: TrustDomainSpec, annotations?: Record<string, string>): void {
  world.store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'TrustDomain', metadata: { name, ...(annotations === undefined ? {} : { annotations }) }, spec });
}

export function putIdentity(world: World, namespace: string, name: string, spec: WorkloadIdentitySpec): void {
  world.store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata: { namespace, name }, spec });
}

function identities(world: World): readonly WorkloadIdentity[] {
  return world.store.all('WorkloadIdentity');
}

function ownSecrets(world: World): readonly Secret[] {
  return world.store.all('Secret').filter((secret) => secret.metadata.labels?.['mtlsd.io/identity-uid'] !== undefined);
}

function records(world: World): readonly Secret[] {
  return world.store.all('Secret').filter((secret) => secret.metadata.labels?.['mtlsd.io/authority-record'] !== undefined);
}

function some<T>(world: World, items: readonly T[], act: (item: T) => void): void {
  if (items.length > 0) act(world.random.pick(items));
}

function keyOf(object: Secret | WorkloadIdentity) {
  return { kind: object.kind, namespace: object.metadata.namespace ?? '', name: object.metadata.name } as { kind: 'Secret'; namespace: string; name: string };
}

function copyOf(secret: Secret, namespace: string, name: string): Parameters<World['store']['apply']>[0] {
  const { labels = {}, annotations = {} } = secret.metadata;
  return { apiVersion: 'v1', kind: 'Secret', type: secret.type, metadata: { namespace, name, labels, annotations }, data: secret.data } as Parameters<World['store']['apply']>[0];
}

type Action = readonly [weight: number, what: string, act: (world: World) => void];

const editSecret = (change: (secret: Secret, world: World) => Partial<Pick<Secret, 'data'>> & { metadata?: Secret['metadata'] }) => (world: World): void =>
  some(world, ownSecrets(world), (secret) => {
    world.store.edit<'Secret'>(keyOf(secret), (current) => ({ ...current, ...change(current, world) }));
  });

const actions: readonly Action[] = [
  [8, 'create or change an identity', (world) => putIdentity(world, world.random.pick(namespaces), world.random.pick(names), drawIdentity(world))],
  [3, 'delete an identity', (world) => some(world, identities(world), (identity) => world.store.remove({ kind: 'WorkloadIdentity', namespace: identity.metadata.namespace ?? '', name: identity.metadata.name }))],
  [2, 'delete an identity and make it again', (world) =>
    some(world, identities(world), (identity) => {
      world.store.remove({ kind: 'WorkloadIdentity', namespace: identity.metadata.namespace ?? '', name: identity.metadata.name });
      world.checks.afterUser();
      putIdentity(world, identity.metadata.namespace ?? '', identity.metadata.name, world.random.chance(0.5) ? identity.spec : drawIdentity(world));
    })],
  [1, 'keep the Secret, then delete the identity', (world) =>
    some(world, identities(world), ({ metadata, spec }) => {
      putIdentity(world, metadata.namespace ?? '', metadata.name, { ...spec, deletionPolicy: 'Retain' });
      world.checks.afterUser();
      world.store.remove({ kind: 'WorkloadIdentity', namespace: metadata.namespace ?? '', name: metadata.name });
    })],
  [3, 'create or change a trust domain', (world) => {
    const name = world.random.pick(trustDomainNames);
    const annotations = world.store.peek({ kind: 'TrustDomain', name })?.metadata.annotations;
    putTrustDomain(world, name, drawTrustDomain(world), annotations);
  }],
  [1, 'delete a trust domain', (world) => some(world, world.trustDomains(), ({ metadata }) => world.store.remove({ kind: 'TrustDomain', name: metadata.name }))],
  [1, 'delete a Secret of ours', (world) => some(world, ownSecrets(world), (secret) => world.store.remove(keyOf(secret)))],
  [1, 'damage tls.key', editSecret((secret) => ({ data: { ...secret.data, 'tls.key': '' } }))],
  [1, 'damage ca.crt', editSecret((secret) => ({ data: { ...secret.data, 'ca.crt': Buffer.from('nonsense').toString('base64') } }))],
  [1, 'swap certificates', (world) =>
    some(world, ownSecrets(world), (other) => {
      const data = other.data;
      editSecret((secret) => ({ data: { ...secret.data, 'tls.crt': data['tls.crt'] ?? '' } }))(world);
    })],
  [1, 'annotate a Secret of ours', editSecret((secret, world) => ({ metadata: { ...secret.metadata, annotations: { ...secret.metadata.annotations, 'somebody.else/note': String(world.random.below(9)) } } }))],
  [2, 'edit an annotation of ours', editSecret((secret, world) => {
    const key = world.random.pick(['mtlsd.io/issuer', 'mtlsd.io/profile', 'mtlsd.io/bundle-generation', 'mtlsd.io/identity', 'mtlsd.io/written-as', 'mtlsd.io/not-after']);
    return { metadata: { ...secret.metadata, annotations: { ...secret.metadata.annotations, [key]: world.random.pick(['', '7', 'Delete']) } } };
  })],
  [1, 'take a label of ours away', editSecret((secret, world) => {
    const key = world.random.pick(['app.kubernetes.io/managed-by', 'mtlsd.io/trust-domain', 'mtlsd.io/identity-uid']);
    return { metadata: { ...secret.metadata, labels: Object.fromEntries(Object.entries(secret.metadata.labels ?? {}).filter(([name]) => name !== key)) } };
  })],
  [1, 'copy a Secret of ours', (world) => some(world, ownSecrets(world), (secret) => world.store.apply(copyOf(secret, world.random.pick(namespaces), world.random.pick(['backup', 'web-mtls', 'copy']))))],
  [1, 'put an opaque Secret in the way', (world) => {
    const [namespace, name] = [world.random.pick(namespaces), world.random.pick(['cart-mtls', 'till-mtls', 'shared-mtls'])];
    const known = world.store.peek({ kind: 'Secret', namespace, name });
    if (known !== undefined) world.store.remove({ kind: 'Secret', namespace, name });
    world.checks.afterUser();
    world.store.apply({ apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata: { namespace, name }, data: {} });
  }],
  [1, 'delete a foreign Secret', (world) => some(world, world.store.all('Secret').filter((secret) => world.checks.isForeign(secret)), (secret) => world.store.remove(keyOf(secret)))],
  [1, 'lose an authority record', (world) => some(world, records(world), (record) => world.store.remove(keyOf(record)))],
  [1, 'damage an authority record', (world) =>
    some(world, records(world), (record) => {
      const files = Object.keys(record.data);
      const file = world.random.pick(files);
      const content = Buffer.from(record.data[file] ?? '', 'base64');
      content[world.random.below(Math.max(1, content.length))] = 0x58;
      world.store.edit<'Secret'>(keyOf(record), (current) => ({ ...current, data: { ...current.data, [file]: content.toString('base64') } }));
    })],
  [1, 'restore the authority records', (world) => restoreRecords(world, 'all')],
  [1, 'follow what conditions say about roots', followConditions],
];

/** Puts the last good record of each trust domain back where there is a bad one, or none. */
export function restoreRecords(world: World, which: 'all' | 'damaged'): void {
  for (const [name, backup] of world.checks.backups) {
    const key = { kind: 'Secret' as const, namespace: systemNamespace, name: `mtlsd-authorities-${name}` };
    const current = world.store.peek(key);
    if (JSON.stringify(current?.data) === JSON.stringify(backup.data)) continue;
    if (current === undefined && which === 'damaged') continue;
    if (current !== undefined) world.store.remove(key);
    // A restore does not always bring the labels back.
    const labels = world.random.chance(0.8) ? (backup.metadata.labels ?? {}) : {};
    const restored = world.store.apply({ apiVersion: 'v1', kind: 'Secret', type: backup.type, metadata: { namespace: systemNamespace, name: key.name, labels }, data: backup.data });
    world.checks.afterUser();
    world.checks.restored(restored);
  }
}

/** Does what the condition of a trust domain says that an operator is to do about its root. */
export function followConditions(world: World): void {
  for (const trustDomain of world.trustDomains()) {
    const condition = trustDomain.status?.conditions?.find(({ type }) => type === 'Ready');
    const [, value] = /with mtlsd\.io\/new-root: (\S+)/u.exec(condition?.message ?? '') ?? [];
    if (value === undefined) continue;
    world.checks.giveUpRoot(trustDomain.metadata.name);
    putTrustDomain(world, trustDomain.metadata.name, trustDomain.spec, { 'mtlsd.io/new-root': value });
  }
}

/** One thing that a user does. */
export function actAsUser(world: World): void {
  const total = actions.reduce((sum, [weight]) => sum + weight, 0);
  let at = world.random.unit() * total;
  for (const [weight, what, act] of actions) {
    at -= weight;
    if (at < 0) return world.asUser(what, () => act(world));
  }
}
