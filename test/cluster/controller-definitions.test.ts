/** The controller and what it stands on: definitions that are missing, go away or are older, an API server that is not there, credentials that change. */
import { copyFile, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { expectValidPair } from './controller-judge.ts';
import { ControllerProcess } from './controller-process.ts';
import { identity, isReady, paths, serialOf, serviceAccount, Site, trustDomain } from './controller-site.ts';
import { createCredentials, credentialsIn } from './credentials.ts';

const definitionFile = (plural: string): string => join(import.meta.dirname, '..', '..', 'crds', `${plural}.mtlsd.io.yaml`);
const definitionPath = (plural: string): string => `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.mtlsd.io`;

describe('definitions', () => {
  let site: Site;
  beforeAll(async () => {
    site = await Site.open({}, false);
    await site.addNamespace('shop', ['web', 'cart', 'old']);
  });
  afterAll(() => site[Symbol.asyncDispose]());

  test('that are missing at the start: one clear line for each, and it goes on when they appear', async () => {
    await using controller = ControllerProcess.start(site.kubeconfig);
    const { error } = await controller.says(/CustomResourceDefinition workloadidentities\.mtlsd\.io is missing/u);
    expect(error).toBe('The API server does not serve WorkloadIdentity: its CustomResourceDefinition workloadidentities.mtlsd.io is missing, being deleted or of another version. Install it: kubectl apply -f crds/.');
    await controller.says(/CustomResourceDefinition trustdomains\.mtlsd\.io is missing/u);
    expect((await controller.probe('/readyz')).code).toBe(503);
    // Long enough for many tries.
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    await controller.says(/CustomResourceDefinition clusterworkloadidentities\.mtlsd\.io is missing/u);
    const told = controller.log.filter(({ level }) => level !== 'info').map(({ error }) => error);
    expect(told.filter((line) => !String(line).includes('CustomResourceDefinition'))).toEqual([]);
    expect(new Set(told).size).toBe(told.length);
    await site.applyDefinitions();
    await controller.leads();
    await site.apply(trustDomain('shop.example', { bundle: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'shop' } } } }), identity('shop', 'web'), identity('shop', 'cart'));
    await site.see(paths.identity('shop', 'web'), isReady);
    await site.see(paths.identity('shop', 'cart'), isReady);
    await controller.stop();
  });

  test('that are removed while it runs take no trust along, also when they come back empty at once, or mtlsd starts anew meanwhile (L14)', async () => {
    await using controller = ControllerProcess.start(site.kubeconfig);
    await controller.leads();
    await site.see(paths.configMap('shop', 'shop.example'));
    const all = [paths.secret('shop', 'web-mtls'), paths.secret('shop', 'cart-mtls'), paths.record('shop.example'), paths.configMap('shop', 'shop.example'), paths.clusterTrustBundle('shop.example')];
    const versions = async (): Promise<readonly (string | undefined)[]> => Promise.all(all.map(async (path) => (await site.get(path))?.metadata.uid));
    const before = await versions();
    expect(before).not.toContain(undefined);
    await site.kubectl(['delete', 'crd', 'workloadidentities.mtlsd.io', 'trustdomains.mtlsd.io']);
    await controller.says(/CustomResourceDefinition workloadidentities\.mtlsd\.io is missing/u);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(await versions()).toEqual(before);
    const from = controller.log.length;
    await site.applyDefinitions();
    await controller.says(/watch goes on/u, from);
    // Longer than the controller waits before it looks whether the kind is back.
    await new Promise((resolve) => setTimeout(resolve, 12_000));
    expect(await versions()).toEqual(before);
    await controller.stop();
    await using next = ControllerProcess.start(site.kubeconfig);
    await next.leads();
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(await versions()).toEqual(before);
    expect(next.signed()).toEqual([]);
    // The objects are applied again: what is there is taken up, under the same root.
    const root = (await site.see(paths.secret('shop', 'web-mtls'))).data?.['ca.crt'];
    await site.apply(trustDomain('shop.example'), identity('shop', 'web'));
    await site.see(paths.identity('shop', 'web'), isReady);
    const secret = await site.see(paths.secret('shop', 'web-mtls'));
    expectValidPair(secret);
    expect(secret.data?.['ca.crt']).toBe(root);
    // And from then on a deletion is a user's wish again.
    await site.kubectl(['delete', 'wid', 'web', '-n', 'shop']);
    await site.miss(paths.secret('shop', 'web-mtls'));
    await next.stop();
  }, 120_000);

  test('that are older, without a field of today, are enough: status is written as far as it goes, and nothing loops', async () => {
    const definition = parse(await readFile(definitionFile('workloadidentities'), 'utf8')) as { spec: { versions: { selectableFields?: { jsonPath: string }[]; additionalPrinterColumns: { jsonPath: string }[]; schema: { openAPIV3Schema: { properties: { status: { properties: Record<string, unknown> } } } } }[] } };
    for (const version of definition.spec.versions) {
      delete version.schema.openAPIV3Schema.properties.status.properties['issuances'];
      version.additionalPrinterColumns = version.additionalPrinterColumns.filter(({ jsonPath }) => jsonPath !== '.status.issuances');
    }
    await site.kubectl(['apply', '-f', '-'], stringify(definition));
    await using controller = ControllerProcess.start(site.kubeconfig);
    await controller.leads();
    const writes = await site.writesDuring(async () => {
      await site.apply(identity('shop', 'old'));
      await site.see(paths.identity('shop', 'old'), isReady);
      await new Promise((resolve) => setTimeout(resolve, 3_000));
    });
    // At most once more than needed: what was not kept is tried when something else wakes the identity, and changes nothing.
    expect(writes.filter((write) => write.includes('shop/old')).slice(0, 2)).toEqual(['create secrets shop/old-mtls', 'update workloadidentities/status shop/old']);
    expect(writes.filter((write) => write.includes('shop/old')).length).toBeLessThanOrEqual(3);
    const { msg } = await controller.says(/CustomResourceDefinition of WorkloadIdentity/u);
    expect(msg).toBe('the CustomResourceDefinition of WorkloadIdentity does not know status.issuances: it is older than this mtlsd. Bring it up to date: kubectl apply -f crds/');
    expect(controller.log.filter((line) => line.msg === msg)).toHaveLength(1);
    await controller.stop();
    await site.applyDefinitions();
    expect(await site.get(definitionPath('workloadidentities'))).toBeDefined();
  });

  test('that are newer, with fields that this mtlsd does not know: the user keeps theirs, the status is written, and nothing loops', async () => {
    interface Properties {
      readonly properties: Record<string, unknown>;
    }
    const definition = parse(await readFile(definitionFile('workloadidentities'), 'utf8')) as { spec: { versions: { schema: { openAPIV3Schema: { properties: { spec: Properties; status: Properties } } } }[] } };
    for (const { schema } of definition.spec.versions) {
      const { spec, status } = schema.openAPIV3Schema.properties;
      spec.properties['later'] = { type: 'string', default: 'by the API server' };
      status.properties['later'] = { type: 'string', default: 'by the API server' };
    }
    await site.kubectl(['apply', '-f', '-'], stringify(definition));
    await site.apply(serviceAccount('shop', 'newer'));
    await using controller = ControllerProcess.start(site.kubeconfig);
    await controller.leads();
    const writes = await site.writesDuring(async () => {
      await site.apply(identity('shop', 'newer', { later: 'by a person' }));
      await site.see(paths.identity('shop', 'newer'), isReady);
      // Woken again, by a label, it finds nothing to do.
      await site.kubectl(['label', 'wid', 'newer', '-n', 'shop', 'touched=yes']);
      await site.apply(serviceAccount('shop', 'after-newer'), identity('shop', 'after-newer'));
      await site.see(paths.identity('shop', 'after-newer'), isReady);
    });
    expect(writes.filter((write) => write.includes('shop/newer'))).toEqual(['create secrets shop/newer-mtls', 'update workloadidentities/status shop/newer']);
    const { spec, status } = await site.see(paths.identity('shop', 'newer'));
    expect(spec?.['later']).toBe('by a person');
    expect(status?.['later']).toBe('by the API server');
    expect(controller.log.filter(({ level, msg }) => level !== 'info' && /newer|CustomResourceDefinition/u.test(msg))).toEqual([]);
    await controller.stop();
    await site.applyDefinitions();
  });

  test('a token that is rotated and a certificate authority file that changes are taken up without a restart', async () => {
    const tokenFile = join(site.folder, 'token');
    const caFile = join(site.folder, 'ca.crt');
    const kubeconfig = join(site.folder, 'rotated');
    const replace = async (path: string, text: string): Promise<void> => {
      await writeFile(`${path}.new`, text);
      await rename(`${path}.new`, path);
    };
    // Sound, and of somebody else.
    await createCredentials(join(site.folder, 'foreign'));
    await copyFile(credentialsIn(join(site.folder, 'foreign')).caFile, caFile);
    await writeFile(tokenFile, 'never-valid');
    const config = { clusters: [{ name: 'c', cluster: { server: site.cluster.server, 'certificate-authority': caFile } }], users: [{ name: 'u', user: { tokenFile } }], contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }], 'current-context': 'x' };
    await writeFile(kubeconfig, JSON.stringify(config));
    await using controller = ControllerProcess.start(kubeconfig);
    await controller.says(/the certificate of the API server at https:\/\/127\.0\.0\.1:\d+ is not accepted .*Check the certificate authority in the kubeconfig/u);
    await replace(caFile, await readFile(site.cluster.caFile, 'utf8'));
    await controller.says(/the API server does not know mtlsd's credentials \(401\)\. Check the token/u);
    await replace(tokenFile, await site.token('mtlsd'));
    await controller.leads();
    await replace(tokenFile, await site.token('mtlsd'));
    await site.apply(serviceAccount('shop', 'rotated'), identity('shop', 'rotated'));
    await site.see(paths.identity('shop', 'rotated'), isReady);
    await controller.stop();
  });

  test('an API server that is not there yet: told once, at work when it comes; one that goes away: still an end in order', async () => {
    await site.cluster.stopApiServer();
    await using controller = ControllerProcess.start(site.kubeconfig);
    await controller.says(/no lease yet: .*nothing listens at https:\/\/127\.0\.0\.1:\d+\. Is the API server running\?/u);
    expect(await controller.probe('/livez')).toEqual({ code: 200, text: 'ok\n' });
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    expect(controller.log.filter(({ level }) => level !== 'info')).toHaveLength(1);
    await site.cluster.startApiServer();
    await controller.leads();
    const secret = await site.see(paths.secret('shop', 'old-mtls'));
    await site.apply(serviceAccount('shop', 'after'), identity('shop', 'after'));
    await site.see(paths.identity('shop', 'after'), isReady);
    expect(serialOf(await site.see(paths.secret('shop', 'old-mtls')))).toBe(serialOf(secret));
    await site.cluster.killApiServer();
    await controller.says(/^the lease was not renewed/u);
    const from = controller.log.length;
    await controller.stop();
    await site.cluster.startApiServer();
    await controller.says(/lease was not given back|^stopping/u, from);
  });
});
