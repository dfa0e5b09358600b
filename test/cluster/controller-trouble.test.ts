/** What goes wrong around one object is told by name with the thing to do, and everything else goes on. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { expectValidPair } from './controller-judge.ts';
import { ControllerProcess } from './controller-process.ts';
import { fileOf, identity, isReady, messageOf, paths, says, serialOf, serviceAccount, Site, trustDomain } from './controller-site.ts';

const patience = { timeout: 20_000, interval: 50 };

describe('mtlsd controller in trouble', () => {
  let site: Site;
  let controller: ControllerProcess;
  beforeAll(async () => {
    site = await Site.open({ controllerManager: true });
    await site.addNamespace('shop', ['web', 'cart', 'pay', 'again', 'fought', 'gone', 'witness']);
    controller = ControllerProcess.start(site.kubeconfig);
    await controller.leads();
    await site.apply(trustDomain('shop.example', { bundle: { namespaceSelector: {} } }));
    await site.see(paths.trustDomain('shop.example'), isReady);
  });
  afterAll(async () => {
    await controller.stop();
    await site[Symbol.asyncDispose]();
  });

  /** Something else still works. */
  async function expectLife(name: string): Promise<void> {
    await site.apply(identity('shop', `witness-${name}`, { serviceAccountName: 'witness' }));
    await site.see(paths.identity('shop', `witness-${name}`), isReady);
  }

  async function warned(namespace: string, uid: string, reason: string): Promise<string> {
    return vi.waitFor(async () => {
      const found = (await site.events(namespace, uid)).find((event) => event.type === 'Warning' && event.reason === reason);
      if (found === undefined) throw new Error(`no Event ${reason}`);
      return found.note;
    }, patience);
  }

  test('a Secret that exists and is not ours is left alone, and taken over by nobody', async () => {
    await site.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { namespace: 'shop', name: 'cart-mtls' }, data: { mine: 'eA==' } }, identity('shop', 'cart'));
    const object = await site.see(paths.identity('shop', 'cart'), says('Ready', 'SecretNotOurs'));
    expect(messageOf(object, 'Ready')).toBe('Secret cart-mtls exists and was not made by mtlsd: it is left alone; delete it, or set spec.secretName to another name');
    expect(await warned('shop', object.metadata.uid, 'SecretNotOurs')).toContain('it is left alone');
    expect((await site.see(paths.secret('shop', 'cart-mtls'))).data).toEqual({ mine: 'eA==' });
    await controller.says(/^Secret cart-mtls exists and was not made by mtlsd/u);
    await expectLife('foreign');
  });

  test('two identities that claim one Secret: the older keeps it, and nothing is written', async () => {
    await site.apply(identity('shop', 'pay', { secretName: 'shared' }));
    await site.see(paths.identity('shop', 'pay'), isReady);
    // Age is told in seconds.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await site.apply(identity('shop', 'pay-too', { secretName: 'shared', serviceAccountName: 'pay' }));
    const loser = await site.see(paths.identity('shop', 'pay-too'), says('Issued', 'Conflict'));
    expect(messageOf(loser, 'Issued')).toBe('Secret shared belongs to the older WorkloadIdentity pay: set spec.secretName to another name');
    expect(await site.writesDuring(() => new Promise((resolve) => setTimeout(resolve, 2000)))).toEqual([]);
    await site.kubectl(['delete', 'wid', 'pay', 'pay-too', '-n', 'shop']);
  });

  test('a missing service account: pending with a reason, issued when it appears', async () => {
    await site.apply(identity('shop', 'late'));
    const object = await site.see(paths.identity('shop', 'late'), says('Issued', 'ServiceAccountMissing'));
    expect(messageOf(object, 'Issued')).toBe('ServiceAccount shop/late does not exist: create it, or set spec.serviceAccountName to one of this namespace');
    expect(await site.get(paths.secret('shop', 'late-mtls'))).toBeUndefined();
    expect(await warned('shop', object.metadata.uid, 'ServiceAccountMissing')).toContain('create it');
    await site.apply(serviceAccount('shop', 'late'));
    await site.see(paths.identity('shop', 'late'), isReady);
    expectValidPair(await site.see(paths.secret('shop', 'late-mtls')));
  });

  test('a Secret that somebody edits or deletes is repaired by a new pair, and the Event says so', async () => {
    await site.apply(identity('shop', 'web'));
    const object = await site.see(paths.identity('shop', 'web'), isReady);
    const first = serialOf(await site.see(paths.secret('shop', 'web-mtls')));
    await site.edit(paths.secret('shop', 'web-mtls'), (secret) => ({ ...secret, data: { ...secret.data, 'tls.crt': 'eA==' } }));
    await site.see(paths.identity('shop', 'web'), (live) => live.status?.['issuances'] === 2);
    const repaired = await site.see(paths.secret('shop', 'web-mtls'), (secret) => serialOf(secret) !== first);
    expectValidPair(repaired);
    expect(await warned('shop', object.metadata.uid, 'ForeignChange')).toMatch(/^Secret web-mtls was changed or deleted by somebody else/u);
    await site.remove(paths.secret('shop', 'web-mtls'));
    expectValidPair(await site.see(paths.secret('shop', 'web-mtls'), (secret) => secret.metadata.uid !== repaired.metadata.uid));
  });

  test('a fighter that overwrites the Secret every 200 ms gets a bounded number of answers, and its victim a loud condition', async () => {
    await site.apply(identity('shop', 'fought'));
    await site.see(paths.identity('shop', 'fought'), isReady);
    const path = paths.secret('shop', 'fought-mtls');
    const stolen = await site.see(path);
    const writes = await site.writesDuring(async () => {
      for (let n = 0; n < 100; n += 1) {
        await site.edit(path, (secret) => ({ ...secret, data: { ...stolen.data, 'tls.crt': Buffer.from(`fight ${n}`).toString('base64') } }));
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    });
    const repairs = writes.filter((write) => write === 'update secrets shop/fought-mtls');
    expect(repairs).toHaveLength(3);
    expect(controller.signed('shop/fought')).toHaveLength(4);
    expect(writes.length).toBeLessThanOrEqual(12);
    const object = await site.see(paths.identity('shop', 'fought'), says('Ready', 'ForeignChanges'));
    expect(messageOf(object, 'Ready')).toMatch(/^Secret fought-mtls keeps being changed by somebody else .*find out who writes it/u);
    expect(await warned('shop', object.metadata.uid, 'ForeignChanges')).toContain('find out who writes it');
    await expectLife('fight');
  });

  test('an object that is deleted and made again gets a pair of its own, under the same name', async () => {
    await site.apply(identity('shop', 'again', { dnsNames: ['a.shop.svc'] }));
    const before = await site.see(paths.identity('shop', 'again'), isReady);
    const old = await site.see(paths.secret('shop', 'again-mtls'));
    await site.remove(paths.identity('shop', 'again'));
    await site.apply(identity('shop', 'again', { dnsNames: ['b.shop.svc'] }));
    const after = await site.see(paths.identity('shop', 'again'), isReady);
    expect(after.metadata.uid).not.toBe(before.metadata.uid);
    const secret = await site.see(paths.secret('shop', 'again-mtls'), (live) => live.metadata.labels?.['mtlsd.io/identity-uid'] === after.metadata.uid && serialOf(live) !== serialOf(old));
    expect(expectValidPair(secret).subjectAltName).toContain('DNS:b.shop.svc');
    await site.see(paths.identity('shop', 'again'), (live) => live.status?.['serialNumber'] === serialOf(secret));
  });

  test('a namespace that is going away loses its identity and Secret without a fight, and comes back clean', async () => {
    await site.addNamespace('leaving', ['web'], {});
    await site.apply(identity('leaving', 'web'));
    await site.see(paths.identity('leaving', 'web'), isReady);
    const from = controller.log.length;
    await site.kubectl(['delete', 'namespace', 'leaving', '--wait=true', '--timeout=60s']);
    expect(controller.log.slice(from).filter(({ level }) => level === 'error')).toEqual([]);
    expect(controller.signed('leaving/web')).toHaveLength(1);
    await expectLife('leaving');
    await site.addNamespace('leaving', ['web']);
    await site.apply(identity('leaving', 'web'));
    expectValidPair(await site.see(paths.secret('leaving', 'web-mtls')));
  }, 120_000);

  test('a namespace that is held in termination: the new identity in it is told why, and others are issued', async () => {
    await site.addNamespace('held', ['web']);
    await site.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'held', name: 'holds', finalizers: ['example.com/held'] } }, identity('held', 'web'));
    await site.see(paths.identity('held', 'web'), isReady);
    await site.kubectl(['delete', 'namespace', 'held', '--wait=false']);
    await site.miss(paths.secret('held', 'web-mtls'));
    await expectLife('held');
    await site.kubectl(['patch', 'configmap', 'holds', '-n', 'held', '--type=merge', '-p', '{"metadata":{"finalizers":null}}']);
  });

  test('what the trust domain does not grant is told on the object; the log tells the field, not what was written (L26)', async () => {
    await site.apply(identity('shop', 'gone', { dnsNames: ['4ada-lovelace.example'] }));
    const object = await site.see(paths.identity('shop', 'gone'), says('Issued', 'Denied'));
    expect(messageOf(object, 'Issued')).toContain('4ada-lovelace.example');
    await controller.says(/the policy of the trust domain denies/u);
    expect(controller.output).not.toContain('lovelace');
  });

  test('secrets and personal data in labels, annotations and Secrets are in no log, audit record, metric, Event or condition', async () => {
    const seeds = ['s3cr3t-seed-label', 's3cr3t-seed-annotation', 's3cr3t-seed-content'];
    await site.apply(serviceAccount('shop', 'seeded'), identity('shop', 'seeded', { secretTemplate: { labels: { owner: seeds[0] }, annotations: { 'example.com/password': seeds[1] } } }));
    await site.see(paths.identity('shop', 'seeded'), isReady);
    const seeded = await site.edit(paths.secret('shop', 'seeded-mtls'), (secret) => ({ ...secret, metadata: { ...secret.metadata, annotations: { ...secret.metadata.annotations, 'mtlsd.io/issuer': seeds[2] } }, data: { ...secret.data, 'tls.key': Buffer.from(seeds[2] ?? '').toString('base64') } }));
    const repaired = await site.see(paths.secret('shop', 'seeded-mtls'), ({ metadata }) => metadata.resourceVersion !== seeded.metadata.resourceVersion);
    const keys = [repaired, await site.see(paths.record('shop.example'))].flatMap((secret) => Object.keys(secret.data ?? {}).map((file) => fileOf(secret, file))).filter((text) => text.includes('PRIVATE KEY'));
    expect(keys.length).toBeGreaterThan(1);
    const keyLines = keys.flatMap((text) => text.split('\n')).filter((line) => line.length > 40);
    const object = await site.see(paths.identity('shop', 'seeded'), (live) => live.status?.['issuances'] === 2);
    const events = JSON.stringify((await site.send('GET', '/apis/events.k8s.io/v1/events')).body);
    const told = [controller.output, events, JSON.stringify(object.status), (await controller.probe('/metrics')).text, JSON.stringify((await site.see(paths.trustDomain('shop.example'))).status)].join('\n');
    for (const secret of [...seeds, ...keyLines]) expect(told.includes(secret), `${secret.slice(0, 8)}… is told`).toBe(false);
  });

  test('missing rights are one clear line with verb and resource, and everything else goes on', async () => {
    await site.addNamespace('forbidden', ['web']);
    await site.addNamespace('unwatched', ['web']);
    await controller.stop();
    onTestFinished(async () => {
      controller = ControllerProcess.start(site.kubeconfig);
      await controller.leads();
    });
    const limited = await site.limitedKubeconfig('limited', { without: ['configmaps'], secretsIn: ['shop', 'mtlsd-system'] });
    await using weak = ControllerProcess.start(limited, ['--watch-namespaces', 'shop,forbidden']);
    // Secrets of a namespace whose right is missing: nobody may conclude anything about them, the rest is told.
    await weak.says(/cannot (?:watch|list) resource "configmaps".*Grant "(?:watch|list)" on configmaps\.$/u);
    await weak.says(/cannot (?:watch|list) resource "secrets".* in the namespace "forbidden"\. Grant "(?:watch|list)" on secrets in namespace forbidden\.$/u);
    expect(weak.log.filter(({ error }) => typeof error === 'string' && /configmaps/u.test(error))).toHaveLength(1);
    await site.apply(identity('shop', 'witness-rights', { serviceAccountName: 'witness' }));
    await site.see(paths.identity('shop', 'witness-rights'), isReady);
    await site.apply(identity('forbidden', 'web'), identity('unwatched', 'web'));
    const unseen = await site.see(paths.identity('forbidden', 'web'), says('Ready', 'SecretsOutOfReach'));
    expect(messageOf(unseen, 'Ready')).toMatch(/^nothing is issued into namespace forbidden, because mtlsd cannot see its Secrets: .*Grant "(?:watch|list)" on secrets in namespace forbidden\.$/u);
    expect(messageOf(await site.see(paths.identity('unwatched', 'web'), says('Ready', 'SecretsOutOfReach')), 'Ready')).toBe('nothing is issued into namespace unwatched, because mtlsd cannot see its Secrets: it is not among the namespaces that mtlsd watches');
    // Once granted, it goes on by itself.
    await site.grantSecrets('limited', 'forbidden');
    await site.see(paths.identity('forbidden', 'web'), isReady);
    expect(weak.signed('unwatched/web')).toEqual([]);
    await weak.stop();
  });
});
