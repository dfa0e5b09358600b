/** Restarts on both sides: of mtlsd, of the API server, of etcd's history, and etcd put back to an older state. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { expectValidPair } from './controller-judge.ts';
import { ControllerProcess } from './controller-process.ts';
import { fileOf, identity, isReady, paths, serialOf, Site, trustDomain, type Live } from './controller-site.ts';

const many = 1_000;
const some = 200;
const patience = { timeout: 120_000, interval: 1_000 };

describe('restarts', () => {
  let site: Site;
  beforeAll(async () => {
    site = await Site.open();
    for (const name of ['many', 'some', 'back']) await site.addNamespace(name, ['web']);
    await site.apply(trustDomain('shop.example', { bundle: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'back' } } } }));
  });
  afterAll(() => site[Symbol.asyncDispose]());

  async function create(namespace: string, from: number, count: number, spec: object = {}): Promise<void> {
    const one = (n: number) => site.send('POST', paths.identities(namespace), identity(namespace, `web-${n}`, { serviceAccountName: 'web', ...spec }));
    for (let n = from; n < from + count; n += 20) await Promise.all(Array.from({ length: Math.min(20, from + count - n) }, (_, k) => one(n + k)));
  }

  async function allReady(namespace: string, count: number): Promise<void> {
    await vi.waitFor(async () => expect((await site.list(paths.identities(namespace))).filter(isReady)).toHaveLength(count), patience);
  }

  /** Every Secret of mtlsd in the namespace, each a sound pair that its identity speaks of. */
  async function expectSound(namespace: string, count: number): Promise<void> {
    const secrets = await site.list(paths.secrets(namespace));
    expect(secrets).toHaveLength(count);
    const told = new Map((await site.list(paths.identities(namespace))).map(({ metadata, status }) => [`${metadata.name}-mtls`, status?.['serialNumber']]));
    for (const secret of secrets) {
      expectValidPair(secret);
      expect(told.get(secret.metadata.name)).toBe(serialOf(secret));
    }
  }

  test('of mtlsd with a thousand identities: no issuance, no audit record, no write', async () => {
    await using first = ControllerProcess.start(site.kubeconfig);
    await first.leads();
    await create('many', 0, many);
    await allReady('many', many);
    await first.kill();
    const writes = await site.writesDuring(async () => {
      await using second = ControllerProcess.start(site.kubeconfig);
      await second.leads();
      await vi.waitFor(async () => expect(await second.metric('mtlsd_queue_depth{kind="WorkloadIdentity"}')).toBe(0), patience);
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      expect(second.audit).toEqual([]);
      await second.stop();
    });
    expect(writes).toEqual([]);
    await expectSound('many', many);
  }, 200_000);

  test('of the API server, in order and by kill -9, with its history forgotten, while identities are issued and renewed: each once', async () => {
    await using controller = ControllerProcess.start(site.kubeconfig, [], 0);
    await controller.leads();
    await create('some', 0, some / 2, { ttl: '10m' });
    await allReady('some', some / 2);
    await controller.stop();
    // Renewals of the first half are due at once, while the second half is created.
    await using later = ControllerProcess.start(site.kubeconfig, [], 6.5 * 60_000);
    await later.says(/this replica leads/u);
    const creating = (async () => {
      for (let n = some / 2; n < some; n += 1) {
        for (;;) {
          const answer = await site.send('POST', paths.identities('some'), identity('some', `web-${n}`, { serviceAccountName: 'web', ttl: '10m' })).catch(() => undefined);
          if (answer?.code === 201 || answer?.code === 409) break;
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }
    })();
    const compacting = new AbortController();
    const storm = (async () => {
      while (!compacting.signal.aborted) {
        await site.cluster.compactEtcd().catch(() => undefined);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    })();
    await site.cluster.restartApiServer();
    await site.cluster.killApiServer();
    await site.cluster.startApiServer();
    await creating;
    compacting.abort();
    await storm;
    await vi.waitFor(async () => {
      const all = await site.list(paths.identities('some'));
      expect(all).toHaveLength(some);
      expect(all.filter((object) => isReady(object) && object.status?.['issuances'] === (Number(object.metadata.name.slice(4)) < some / 2 ? 2 : 1))).toHaveLength(some);
    }, patience);
    await expectSound('some', some);
    // What was signed and not delivered is what was on its way when the API server went: at most as many as are worked on at once, each time.
    const perIdentity = Map.groupBy(later.signed().filter(({ object }) => object.includes(' some/')), ({ object }) => object);
    expect(perIdentity.size).toBe(some);
    expect(later.signed().length - some - 0).toBeLessThanOrEqual(64);
    expect(later.audit.filter(({ reason }) => reason === 'repair' || reason === 'deleted')).toEqual([]);
    await later.stop();
  }, 200_000);

  test('of etcd on an older backup: it converges under the same root, and counters do not go back below what was delivered', async () => {
    await using controller = ControllerProcess.start(site.kubeconfig);
    await controller.leads();
    await create('back', 0, 5);
    await allReady('back', 5);
    const root = fileOf(await site.see(paths.secret('back', 'web-0-mtls')), 'ca.crt');
    const rootsBefore = await authorities(site, 'shop.example');
    await site.cluster.snapshotEtcd(join(site.folder, 'backup'));
    // What the backup does not know: new identities, an edit, a deletion.
    await create('back', 5, 5);
    await allReady('back', 10);
    await site.kubectl(['patch', 'wid', 'web-1', '-n', 'back', '--type=merge', '-p', '{"spec":{"dnsNames":["web.back.svc"]}}']);
    await site.see(paths.identity('back', 'web-1'), ({ status }) => status?.['issuances'] === 2);
    await site.kubectl(['delete', 'wid', 'web-2', '-n', 'back']);
    await site.miss(paths.secret('back', 'web-2-mtls'));
    await site.cluster.restoreEtcd(join(site.folder, 'backup'));
    // Work after the restore is done, on what is there now.
    await create('back', 20, 1);
    await allReady('back', 6);
    await site.edit(paths.identity('back', 'web-1'), (object) => ({ ...object, spec: { ...object.spec, dnsNames: ['www.back.svc'] } }));
    await site.see(paths.identity('back', 'web-1'), (object) => isReady(object) && object.status?.['observedGeneration'] === 2 && object.status['issuances'] === 2);
    await expectSound('back', 6);
    for (const secret of await site.list(paths.secrets('back'))) expect(fileOf(secret, 'ca.crt')).toBe(root);
    expect(expectValidPair(await site.see(paths.secret('back', 'web-1-mtls'))).subjectAltName).toContain('www.back.svc');
    expect(await authorities(site, 'shop.example')).toEqual(rootsBefore);
    expect(await site.see(paths.trustDomain('shop.example'), isReady)).toMatchObject({ status: { signerEpoch: 1, bundle: { generation: 1 } } });
    expect(controller.audit.filter(({ decision }) => decision.startsWith('authority'))).toEqual([]);
    expect((await site.see(paths.configMap('back', 'shop.example'))).data?.['ca.crt']).toBe(root);
    await controller.stop();
  }, 120_000);

  test('of etcd on a backup from before a turn-over of the issuing authority: the one that was lost signs no more, the root stays', async () => {
    await site.addNamespace('turn', ['web']);
    await site.apply(trustDomain('turn.example', { issuingAuthority: { lifetime: '30m' }, svid: { ttl: '8m', maxTTL: '15m' } }), identity('turn', 'web', { trustDomain: 'turn.example' }));
    await using first = ControllerProcess.start(site.kubeconfig);
    await site.see(paths.identity('turn', 'web'), isReady);
    await first.stop();
    const root = fileOf(await site.see(paths.secret('turn', 'web-mtls')), 'ca.crt');
    const issuerAt = async (epoch: number): Promise<string> => String((await site.see(paths.trustDomain('turn.example'), ({ status }) => status?.['signerEpoch'] === epoch)).status?.['activeIssuer']);
    const old = await issuerAt(1);
    await site.cluster.snapshotEtcd(join(site.folder, 'before-turn-over'));
    // Past half of the issuing authority's life.
    await using later = ControllerProcess.start(site.kubeconfig, [], 17 * 60_000);
    const lost = await issuerAt(2);
    expect(lost).not.toBe(old);
    const issuedBy = (issuer: () => string) => (object: Live): boolean => object.status?.['issuer'] === issuer();
    await site.see(paths.identity('turn', 'web'), issuedBy(() => lost), 40_000);
    await site.cluster.restoreEtcd(join(site.folder, 'before-turn-over'));
    // It turns over again, by itself: with the epoch of the one that was lost, and never with its key.
    const found = await site.see(paths.trustDomain('turn.example'), ({ status }) => status?.['signerEpoch'] === 2 && status['activeIssuer'] !== lost, 40_000);
    const issuer = String(found.status?.['activeIssuer']);
    await site.see(paths.identity('turn', 'web'), issuedBy(() => issuer), 40_000);
    const secret = await site.see(paths.secret('turn', 'web-mtls'));
    expectValidPair(secret);
    expect(fileOf(secret, 'ca.crt')).toBe(root);
    await site.see(paths.lease, ({ metadata }) => metadata.annotations?.['mtlsd.io/signer-epochs']?.includes('"turn.example":2') === true, 40_000);
    const after = later.audit.slice(later.audit.findLastIndex(({ decision }) => decision === 'authority-turned-over'));
    expect(after.filter(({ authority }) => authority === lost)).toEqual([]);
    await expectViolationsTold(site, later);
    await later.stop();
  }, 200_000);
});

/** A record from before another root, restored and accepted, while a certificate of that root is in use still: the metric says so. */
async function expectViolationsTold(site: Site, controller: ControllerProcess): Promise<void> {
  const record = paths.record('turn.example');
  const { data } = await site.see(record);
  const domain = paths.trustDomain('turn.example');
  const told = (type: string) => ({ status }: Live) => status?.conditions?.find((condition) => condition.type === type);
  const root = (await authorities(site, 'turn.example')).find(({ role, state }) => role === 'Root' && state === 'Active')?.keyIdentifier ?? '';
  await site.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'CARotation', metadata: { name: 'urgent' }, spec: { trustDomain: 'turn.example', what: 'Root', mode: 'Emergency', fromAuthority: root, confirm: 'turn.example', distrustAfter: '1s' } });
  await site.see('/apis/mtlsd.io/v1alpha1/carotations/urgent', ({ status }) => status?.['phase'] === 'Complete', 40_000);
  await site.apply(identity('turn', 'kept', { trustDomain: 'turn.example', serviceAccountName: 'web', deletionPolicy: 'Retain' }));
  await site.see(paths.identity('turn', 'kept'), isReady);
  await site.remove(paths.identity('turn', 'kept'));
  expect(await controller.metric('mtlsd_trust_violations')).toBe(0);
  await site.edit(record, (object) => ({ ...object, data }));
  await site.see(domain, (object) => told('Ready')(object)?.reason === 'AuthorityRecordOlder', 40_000);
  await site.edit(domain, (object) => ({ ...object, metadata: { ...object.metadata, annotations: { 'mtlsd.io/accept-restored-record': root } } }));
  await site.see(domain, isReady, 40_000);
  await vi.waitFor(async () => expect(await controller.metric('mtlsd_trust_violations')).toBeGreaterThan(0), patience);
  await site.see(domain, ({ status }) => Number(status?.['violations']) > 0);
}

async function authorities(site: Site, name: string): Promise<readonly { readonly keyIdentifier: string; readonly role: string; readonly state: string }[]> {
  const object: Live = await site.see(paths.trustDomain(name), isReady);
  return (object.status?.['authorities'] ?? []) as Awaited<ReturnType<typeof authorities>>;
}
