/** What a user sees of `mtlsd controller` on a real API server: identities, their conditions, Events and writes; bundles. */
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { expectValidPair, opensslVerdict } from './controller-judge.ts';
import { ControllerProcess } from './controller-process.ts';
import { freePorts } from './ports.ts';
import { fileOf, identity, isReady, messageOf, namespace, paths, says, serialOf, serviceAccount, Site, trustDomain, type Live } from './controller-site.ts';

const patience = { timeout: 20_000, interval: 50 };

describe('mtlsd controller', () => {
  let site: Site;
  let controller: ControllerProcess;
  let apiPort: number;
  beforeAll(async () => {
    site = await Site.open();
    await site.addNamespace('shop', ['web', 'cart', 'renewed']);
    [apiPort = 0] = await freePorts(1);
    controller = ControllerProcess.start(site.kubeconfig, ['--api-listen', `127.0.0.1:${apiPort}`, '--api-identity', 'shop/web']);
    await controller.leads();
    await site.apply(trustDomain('shop.example', { bundle: { namespaceSelector: { matchLabels: { bundle: 'yes' } } } }));
    await site.see(paths.trustDomain('shop.example'), isReady);
    await site.see(paths.clusterTrustBundle('shop.example'));
  });
  afterAll(async () => {
    await controller.stop();
    await site[Symbol.asyncDispose]();
  });

  describe('an identity', () => {
    let writes: readonly string[];
    let object: Live;
    let secret: Live;
    beforeAll(async () => {
      writes = await site.writesDuring(async () => {
        await site.apply(identity('shop', 'web', { dnsNames: ['web.shop.svc'], secretTemplate: { labels: { team: 'front' }, annotations: { 'example.com/note': 'kept' } } }));
        object = await site.see(paths.identity('shop', 'web'), isReady);
      });
      secret = await site.see(paths.secret('shop', 'web-mtls'));
    });

    test('gets a Secret with a valid pair, by OpenSSL and by Node', async () => {
      expect(secret.type).toBe('kubernetes.io/tls');
      expect(Object.keys(secret.data ?? {}).sort()).toEqual(['bundle.json', 'ca.crt', 'credential-bundle.pem', 'tls.crt', 'tls.key']);
      const leaf = expectValidPair(secret);
      expect(leaf.subjectAltName).toBe('URI:spiffe://shop.example/ns/shop/sa/web, DNS:web.shop.svc');
      expect(await opensslVerdict(secret)).toBe('tls.crt: OK');
      expect(JSON.parse(fileOf(secret, 'bundle.json'))).toMatchObject({ keys: [{ use: 'x509-svid' }] });
    });

    test('has the labels and annotations that say what is in it, and no owner that could take it along', () => {
      const { metadata } = object;
      expect(secret.metadata.labels).toEqual({ 'app.kubernetes.io/managed-by': 'mtlsd', 'mtlsd.io/trust-domain': 'shop.example', 'mtlsd.io/identity-uid': metadata.uid, team: 'front' });
      expect(secret.metadata.annotations).toMatchObject({
        'mtlsd.io/spiffe-id': 'spiffe://shop.example/ns/shop/sa/web',
        'mtlsd.io/serial-number': object.status?.['serialNumber'],
        'mtlsd.io/issuer': object.status?.['issuer'],
        'mtlsd.io/bundle-generation': '1',
        'example.com/note': 'kept',
      });
      expect(secret.metadata).not.toHaveProperty('ownerReferences');
    });

    test('tells its status, conditions and one Event', async () => {
      expect(object.status).toMatchObject({
        observedGeneration: 1,
        trustDomain: 'shop.example',
        spiffeID: 'spiffe://shop.example/ns/shop/sa/web',
        bundleGeneration: 1,
        issuances: 1,
        secret: { name: 'web-mtls', resourceVersion: secret.metadata.resourceVersion },
        conditions: [
          { type: 'Issued', status: 'True', reason: 'Issued' },
          { type: 'Ready', status: 'True', reason: 'Delivered', message: 'key, certificate and bundle are in Secret web-mtls' },
        ],
      });
      const { notBefore, notAfter, renewalTime } = object.status as Record<'notBefore' | 'notAfter' | 'renewalTime', string>;
      expect(Date.parse(notAfter) - Date.parse(notBefore)).toBe(3_660_000);
      expect(Math.abs(Date.parse(renewalTime) - Date.parse(notAfter) + 1_800_000)).toBeLessThanOrEqual(361_000);
      const events = await vi.waitFor(async () => {
        const found = await site.events('shop', object.metadata.uid);
        expect(found).toHaveLength(1);
        return found;
      }, patience);
      expect(events[0]).toMatchObject({ type: 'Normal', reason: 'Issued', note: 'spiffe://shop.example/ns/shop/sa/web issued into Secret web-mtls (first)' });
    });

    test('is shown by kubectl get wid with what a person asks first, and explained', async () => {
      const [head = '', line = ''] = (await site.kubectl(['get', 'wid', 'web', '-n', 'shop'])).split('\n');
      expect(head.split(/\s{2,}/u)).toEqual(expect.arrayContaining(['NAME', 'SPIFFE ID', 'READY', 'REASON', 'EXPIRES', 'SECRET']));
      expect(line.split(/\s+/u)).toEqual(expect.arrayContaining(['web', 'spiffe://shop.example/ns/shop/sa/web', 'True', 'Delivered', 'web-mtls']));
      expect(await site.kubectl(['explain', 'wid.spec'])).toMatch(/Who the workload is and what its certificate says/u);
      expect(await site.kubectl(['get', 'mtls', '-A'])).toContain('trustdomain.mtlsd.io/shop.example');
    });

    test('costs two object writes, and none at rest', async () => {
      // The trust domain comes into use: its own condition.
      expect(writes.filter((write) => !write.includes('trustdomains/status'))).toEqual(['create secrets shop/web-mtls', 'update workloadidentities/status shop/web']);
      expect(await site.writesDuring(() => new Promise((resolve) => setTimeout(resolve, 3000)))).toEqual([]);
    });

    test('an edit is issued once, and keeps what others wrote on the Secret', async () => {
      const held = { finalizers: ['example.com/hold'], ownerReferences: [{ apiVersion: 'example.com/v1', kind: 'Release', name: 'web', uid: '00000000-0000-4000-8000-000000000000' }] };
      const patch = async (metadata: object): Promise<unknown> => site.kubectl(['patch', 'secret', 'web-mtls', '-n', 'shop', '--type=merge', '-p', JSON.stringify({ metadata })]);
      await patch({ annotations: { 'example.com/foreign': 'stays' }, ...held });
      const edits = await site.writesDuring(async () => {
        await site.kubectl(['patch', 'wid', 'web', '-n', 'shop', '--type=merge', '-p', '{"spec":{"dnsNames":["web.shop.svc","www.shop.svc"]}}']);
        await site.see(paths.identity('shop', 'web'), (live) => live.status?.['issuances'] === 2 && live.status['observedGeneration'] === 2);
      });
      expect(edits).toEqual(['update secrets shop/web-mtls', 'update workloadidentities/status shop/web']);
      const edited = await site.see(paths.secret('shop', 'web-mtls'));
      expect(expectValidPair(edited).subjectAltName).toContain('DNS:www.shop.svc');
      expect(edited.metadata).toMatchObject({ annotations: { 'example.com/foreign': 'stays' }, ...held });
      await patch({ finalizers: [], ownerReferences: [] });
    });

    test('a token for mtlsd gets an SVID by request, for as long as what it is bound to is there', async () => {
      const token = async (...more: readonly string[]): Promise<string> => (await site.kubectl(['create', 'token', 'web', '--namespace', 'shop', ...more])).trim();
      const ask = async (bearer: string) => site.requestSvid(apiPort, 'shop', 'web', bearer);
      const given = await vi.waitFor(async () => ask(await token('--audience', 'mtlsd')), patience);
      expect(given).toMatchObject({ status: 200, body: { spiffeId: 'spiffe://shop.example/ns/shop/sa/web' } });
      expect(await ask(await token())).toMatchObject({ status: 401, body: { code: 'API_TOKEN_REFUSED' } });
      await site.apply({ apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'shop', name: 'asks' }, spec: { serviceAccountName: 'web', containers: [{ name: 'main', image: 'none' }] } });
      const bound = await token('--audience', 'mtlsd', '--bound-object-kind', 'Pod', '--bound-object-name', 'asks');
      expect(await ask(bound)).toMatchObject({ status: 200 });
      await site.kubectl(['delete', 'pod', 'asks', '--namespace', 'shop', '--now']);
      expect(await ask(bound)).toMatchObject({ status: 401, body: { code: 'API_TOKEN_REFUSED' } });
    });

    test('shows callers of the API what is their own, and besides what the API server allows them', async () => {
      const group = 'rbac.authorization.k8s.io';
      await site.apply(
        serviceAccount('shop', 'auditor'),
        { apiVersion: `${group}/v1`, kind: 'Role', metadata: { namespace: 'shop', name: 'auditor' }, rules: [{ apiGroups: ['mtlsd.io'], resources: ['workloadidentities'], verbs: ['get', 'list'] }] },
        { apiVersion: `${group}/v1`, kind: 'RoleBinding', metadata: { namespace: 'shop', name: 'auditor' }, roleRef: { apiGroup: group, kind: 'Role', name: 'auditor' }, subjects: [{ kind: 'ServiceAccount', namespace: 'shop', name: 'auditor' }] },
      );
      const seen = async (account: string, path: string): Promise<string> => {
        const token = (await site.kubectl(['create', 'token', account, '--namespace', 'shop', '--audience', 'mtlsd'])).trim();
        const { status, body } = await site.askApi(apiPort, 'shop/web', token, path);
        const { items, name } = body as { readonly items?: readonly { readonly name: string }[]; readonly name?: string };
        return [status, ...(items ?? [{ name }]).map((item) => item.name)].join(' ').trim();
      };
      expect(await seen('web', '/v1/identities')).toBe('200 web');
      // The API server has to take note of the right first.
      await vi.waitFor(async () => expect(await seen('auditor', '/v1/identities?namespace=shop')).toBe('200 web'), patience);
      expect(await seen('auditor', '/v1/identities/shop/web')).toBe('200 web');
      expect([await seen('auditor', '/v1/identities'), await seen('auditor', '/v1/rotations'), await seen('auditor', '/v1/authorities')]).toEqual(['200', '200', '200']);
    });

    test('takes its Secret along when it is deleted, unless it is to be retained', async () => {
      await site.apply(identity('shop', 'cart', { deletionPolicy: 'Retain' }));
      await site.see(paths.identity('shop', 'cart'), isReady);
      await site.kubectl(['delete', 'wid', 'web', 'cart', '-n', 'shop']);
      await site.miss(paths.secret('shop', 'web-mtls'));
      expect(await site.get(paths.secret('shop', 'cart-mtls'))).toBeDefined();
    });
  });

  test('a renewal is two writes, a new key and no Event', async () => {
    await site.apply(identity('shop', 'renewed', { ttl: '10m' }));
    const object = await site.see(paths.identity('shop', 'renewed'), isReady);
    const before = await site.see(paths.secret('shop', 'renewed-mtls'));
    await vi.waitFor(async () => expect(await site.events('shop', object.metadata.uid)).toHaveLength(1), patience);
    await controller.stop();
    // Of six minutes from now: past 60 % of that life at the latest.
    const writes = await site.writesDuring(async () => {
      await using later = ControllerProcess.start(site.kubeconfig, [], 6.5 * 60_000);
      await site.see(paths.identity('shop', 'renewed'), (live) => live.status?.['issuances'] === 2);
      expect(later.signed().map(({ decision }) => decision)).toEqual(['renewed']);
      await later.stop();
    });
    expect(writes).toEqual(['update secrets shop/renewed-mtls', 'update workloadidentities/status shop/renewed']);
    const after = await site.see(paths.secret('shop', 'renewed-mtls'));
    expectValidPair(after);
    expect(serialOf(after)).not.toBe(serialOf(before));
    expect(fileOf(after, 'tls.key')).not.toBe(fileOf(before, 'tls.key'));
    expect(await site.events('shop', object.metadata.uid)).toHaveLength(1);
  });

  test('an identity that was deleted while no controller ran takes its Secret along at the next start', async () => {
    await site.kubectl(['delete', 'wid', '--all', '-n', 'shop']);
    controller = ControllerProcess.start(site.kubeconfig);
    await controller.leads();
    await site.miss(paths.secret('shop', 'renewed-mtls'));
  });

  describe('trust bundles', () => {
    const bundle = (name: string) => paths.configMap(name, 'shop.example');
    const roots = async (): Promise<string> => {
      const record = await site.see(paths.clusterTrustBundle('shop.example'));
      return String(record.spec?.['trustBundle']);
    };

    test('a ClusterTrustBundle of the signer, with the label by which pods select it', async () => {
      const found = await site.see(paths.clusterTrustBundle('shop.example'));
      expect(found.spec?.['signerName']).toBe('mtlsd.io/x509-svid');
      expect(found.metadata.labels).toMatchObject({ 'mtlsd.io/trust-domain': 'shop.example' });
      expect(found.metadata).not.toHaveProperty('ownerReferences');
    });

    test('one write for each selected namespace, none for the others, and status counts them', async () => {
      const writes = await site.writesDuring(async () => {
        await site.apply(namespace('one', { bundle: 'yes' }), namespace('two', { bundle: 'yes' }), namespace('other'));
        await site.see(bundle('one'));
        await site.see(bundle('two'));
        await site.see(paths.trustDomain('shop.example'), (object) => JSON.stringify(object.status?.['targets']) === '{"stale":0,"written":3}');
      });
      expect(writes.filter((write) => write.includes('configmaps')).sort()).toEqual(['create configmaps one/mtlsd-bundle-shop.example', 'create configmaps two/mtlsd-bundle-shop.example']);
      expect((await site.see(bundle('one'))).data).toEqual({ 'ca.crt': await roots() });
      expect(await site.get(bundle('other'))).toBeUndefined();
    });

    test('what somebody edits or deletes is restored by one write, and nobody ever sees an empty one', async () => {
      const seen: (string | undefined)[] = [];
      const stop = new AbortController();
      const looking = (async () => {
        while (!stop.signal.aborted) {
          const object = await site.get(bundle('one')).catch(() => undefined);
          if (object !== undefined) seen.push(object.data?.['ca.crt']);
        }
      })();
      onTestFinished(() => stop.abort());
      const writes = await site.writesDuring(async () => {
        const edited = await site.edit(bundle('one'), (object) => ({ ...object, data: { 'ca.crt': 'not a root' } }));
        await site.see(bundle('one'), ({ metadata }) => metadata.resourceVersion !== edited.metadata.resourceVersion);
        await site.remove(bundle('one'));
        await site.see(bundle('one'));
        await site.edit(paths.clusterTrustBundle('shop.example'), (object) => ({ ...object, metadata: { ...object.metadata, annotations: {} } }));
        await site.see(paths.clusterTrustBundle('shop.example'), ({ metadata }) => metadata.annotations?.['mtlsd.io/bundle-generation'] === '1');
      });
      stop.abort();
      await looking;
      expect(writes.filter((write) => !write.includes('trustdomains'))).toEqual(['update configmaps one/mtlsd-bundle-shop.example', 'create configmaps one/mtlsd-bundle-shop.example', 'update clustertrustbundles mtlsd.io:x509-svid:shop.example']);
      // Whoever looks may miss the edit, which lasts for milliseconds; never anything else.
      const whole = await roots();
      expect(seen).toContain(whole);
      expect(seen.filter((content) => content !== whole && content !== 'not a root')).toEqual([]);
    });

    test('a namespace that is selected no more loses it, one that is selected gets it', async () => {
      await site.kubectl(['label', 'namespace', 'two', 'bundle-']);
      await site.miss(bundle('two'));
      await site.kubectl(['label', 'namespace', 'other', 'bundle=yes']);
      await site.see(bundle('other'));
    });

    test('a ConfigMap of that name that is not ours is left alone and named in status', async () => {
      await site.apply(namespace('taken'), { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'taken', name: 'mtlsd-bundle-shop.example' }, data: { mine: 'x' } });
      await site.kubectl(['label', 'namespace', 'taken', 'bundle=yes']);
      const object = await site.see(paths.trustDomain('shop.example'), ({ status }) => JSON.stringify(status?.['targets']).includes('failing'));
      expect(object.status?.['targets']).toMatchObject({ failing: ['ConfigMap taken/mtlsd-bundle-shop.example'] });
      expect((await site.see(bundle('taken'))).data).toEqual({ mine: 'x' });
      await controller.says(/^ConfigMap taken\/mtlsd-bundle-shop\.example exists and was not made by mtlsd: it is left alone/u);
    });

    test('a namespace that takes no ConfigMap, or is going away, delays no other', async () => {
      await site.apply(namespace('full'), { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { namespace: 'full', name: 'none' }, spec: { hard: { configmaps: '0' } } });
      // What a controller manager would find out.
      const quota = '/api/v1/namespaces/full/resourcequotas/none';
      await site.send('PUT', `${quota}/status`, { ...(await site.see(quota)), status: { hard: { configmaps: '0' }, used: { configmaps: '0' } } });
      await vi.waitFor(async () => expect((await site.send('POST', '/api/v1/namespaces/full/configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'probe-' } })).code).toBe(403), patience);
      await site.apply(namespace('leaving', { bundle: 'yes' }));
      await site.see(bundle('leaving'));
      // Nobody finishes its deletion here: it stays terminating.
      await site.kubectl(['delete', 'namespace', 'leaving', '--wait=false']);
      await site.kubectl(['label', 'namespace', 'full', 'bundle=yes']);
      await site.apply(namespace('last', { bundle: 'yes' }));
      await site.see(bundle('last'));
      // Written: the ClusterTrustBundle, one, other, last.
      const wanted = { written: 4, stale: 0, failing: ['ConfigMap full/mtlsd-bundle-shop.example', 'ConfigMap taken/mtlsd-bundle-shop.example'] };
      const object = await site.see(paths.trustDomain('shop.example'), ({ status }) => isDeepStrictEqual(status?.['targets'], wanted));
      await controller.says(/ConfigMap full\/mtlsd-bundle-shop\.example was refused: .*exceeded quota/u);
      expect(messageOf(object, 'Ready')).toBe('a root and an issuing authority are active');
    });
  });

  test('a trust domain says who needs it', async () => {
    await site.see(paths.trustDomain('shop.example'), says('InUse', 'NoIdentities'));
  });
});
