/** One ClusterWorkloadIdentity for two hundred service accounts, on a real API server, with every write counted. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { expectValidPair } from './controller-judge.ts';
import { ControllerProcess } from './controller-process.ts';
import { identity, isReady, messageOf, paths, says, Site, trustDomain, type Live } from './controller-site.ts';

/** A machine with other work takes its time: nothing here is about how long anything takes. */
const patience = { timeout: 120_000, interval: 200 };
const root = join(import.meta.dirname, '..', '..');
const spaces = Array.from({ length: 20 }, (_, index) => `team-${index}`);
const accounts = Array.from({ length: 10 }, (_, index) => `app-${index}`);
const fleetPath = (name: string): string => `/apis/mtlsd.io/v1alpha1/clusterworkloadidentities/${name}`;
const everyIdentity = '/apis/mtlsd.io/v1alpha1/workloadidentities';

const fleet = (name: string, spec: object = {}): object => ({
  apiVersion: 'mtlsd.io/v1alpha1',
  kind: 'ClusterWorkloadIdentity',
  metadata: { name },
  spec: { namespaceSelector: { matchLabels: { fleet: 'yes' } }, dnsNames: ['{serviceAccount}.{namespace}.svc'], ...spec },
});

const counts = ({ status = {} }: Live): unknown => {
  const { matched, identities, ready, overridden, conflictCount } = status;
  return { matched, identities, ready, overridden, conflictCount };
};

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program of the checkout to its end. */
async function mtlsd(...args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [join(root, 'src/cli/main.ts'), ...args], { cwd: root, timeout: 120_000 }, (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }));
  });
}

describe('a fleet', () => {
  let site: Site;
  let controller: ControllerProcess;
  beforeAll(async () => {
    site = await Site.open();
    controller = ControllerProcess.start(site.kubeconfig);
    await vi.waitFor(() => controller.leads(), patience);
    await site.apply(trustDomain('shop.example'));
    await Promise.all(
      spaces.map(async (name) => {
        await site.send('POST', '/api/v1/namespaces', { metadata: { name, labels: { fleet: 'yes' } } });
        for (const account of accounts) await site.send('POST', `/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: account } });
      }),
    );
    await site.see(paths.trustDomain('shop.example'), isReady);
    // Somebody's own: one for a service account of the fleet, one under a name that the fleet would use.
    await site.apply(identity('team-0', 'by-hand', { serviceAccountName: 'app-0' }), identity('team-0', 'app-1', { serviceAccountName: 'other' }));
    await site.see(paths.identity('team-0', 'by-hand'), isReady);
    await site.see(paths.identity('team-0', 'app-1'), says('Issued', 'ServiceAccountMissing'));
    await site.writesDuring(async () => undefined);
  });
  afterAll(async () => {
    await controller.stop();
    await site[Symbol.asyncDispose]();
  });

  test('is made with one write an identity, names conflicts, and leaves alone what somebody made', async () => {
    const writes = await site.writesDuring(async () => {
      await site.apply(fleet('all'));
      await site.see(fleetPath('all'), (object) => object.status?.['ready'] === 198, patience.timeout);
    });
    const of = (what: string): readonly string[] => writes.filter((line) => line.startsWith(what));
    expect(of('create workloadidentities ')).toHaveLength(198);
    expect(of('create secrets ')).toHaveLength(198);
    expect(of('update workloadidentities/status ')).toHaveLength(198);
    expect(of('update clusterworkloadidentities/status ').length).toBeLessThanOrEqual(60);
    expect(writes.length).toBe(198 * 3 + of('update clusterworkloadidentities/status ').length);
    const object = await site.see(fleetPath('all'));
    expect(counts(object)).toEqual({ matched: 200, identities: 198, ready: 198, overridden: 1, conflictCount: 1 });
    expect(object.status?.['conflicts']).toEqual([expect.objectContaining({ namespace: 'team-0', serviceAccount: 'app-1', reason: 'NameTaken' })]);
    expect(object.status?.conditions).toMatchObject([{ type: 'Ready', status: 'False', reason: 'Conflicts' }]);
    const leaf = expectValidPair(await site.see(paths.secret('team-7', 'app-3-mtls')));
    expect(leaf.subjectAltName).toBe('URI:spiffe://shop.example/ns/team-7/sa/app-3, DNS:app-3.team-7.svc');
    expect(await site.get(paths.identity('team-0', 'app-0'))).toBeUndefined();
    expect(await site.kubectl(['get', 'cwid'])).toMatch(/^NAME +READY +REASON +MATCHED +IDENTITIES +ISSUED +CONFLICTS +AGE\nall +False +Conflicts +200 +198 +198 +1 /u);
  });

  test('of a higher priority takes over what it matches, in place', async () => {
    const before = await site.see(paths.identity('team-1', 'app-0'));
    const writes = await site.writesDuring(async () => {
      await site.apply(fleet('first', { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'team-1' } }, priority: 10, ttl: '2h' }));
      await site.see(fleetPath('first'), (object) => object.status?.['ready'] === 10, patience.timeout);
      await site.see(fleetPath('all'), (object) => object.status?.['overridden'] === 11, patience.timeout);
      await site.see(paths.secret('team-1', 'app-9-mtls'), ({ metadata }) => Date.parse(metadata.annotations?.['mtlsd.io/not-after'] ?? '') > Date.now() + 5_400_000, patience.timeout);
    });
    expect(writes.filter((line) => line.startsWith('update workloadidentities team-1/'))).toHaveLength(10);
    expect(writes.filter((line) => /^(create|delete) /u.test(line))).toEqual([]);
    const after = await site.see(paths.identity('team-1', 'app-0'));
    expect([after.metadata.uid, after.spec?.['ttl'], after.metadata.annotations?.['mtlsd.io/cluster-identity']]).toEqual([before.metadata.uid, '2h', 'first']);
  });

  test('takes an edit back, and bounds the fight with whoever goes on (L3)', async () => {
    const path = paths.identity('team-2', 'app-0');
    const edited = async (): Promise<unknown> => site.edit(path, (object) => ({ ...object, spec: { ...object.spec, ttl: '9h' } }));
    await edited();
    await site.see(path, ({ spec }) => spec?.['ttl'] === undefined, patience.timeout);
    const writes = await site.writesDuring(async () => {
      for (let round = 0; round < 20; round += 1) await edited();
      await site.see(fleetPath('all'), (object) => object.status?.['conflictCount'] === 2, patience.timeout);
    });
    expect(writes.filter((line) => line === 'update workloadidentities team-2/app-0').length).toBeLessThanOrEqual(3);
    const { status } = await site.see(fleetPath('all'));
    expect(status?.['conflicts']).toContainEqual(expect.objectContaining({ serviceAccount: 'app-0', reason: 'ForeignChanges' }));
  });

  test('makes nothing in a namespace that is going away, and takes nothing out of it', async () => {
    const writes = await site.writesDuring(async () => {
      // Nobody empties it here: a namespace stays Terminating as long as its finalizer does.
      await site.kubectl(['delete', 'namespace', 'team-3', '--wait=false']);
      await site.remove(paths.identity('team-3', 'app-0'));
      await site.see(fleetPath('all'), (object) => object.status?.['matched'] === 190, patience.timeout);
    });
    expect(writes.filter((line) => / workloadidentities team-3\//u.test(line))).toEqual([]);
  });

  test('is what it was after a restart: nothing is written', async () => {
    const writes = await site.writesDuring(async () => {
      await controller.stop();
      controller = ControllerProcess.start(site.kubeconfig);
      await vi.waitFor(() => controller.leads(), patience);
      // What is made afterwards is told afterwards: by then everything was looked at.
      await vi.waitFor(async () => expect(await controller.metric('mtlsd_reconcile_duration_seconds_count{kind="FleetMember",outcome="done"}')).toBeGreaterThanOrEqual(200), patience);
      await new Promise((resolve) => setTimeout(resolve, 1_500));
    });
    // The bound on repairs begins anew with the process: one more try at what somebody keeps changing. And
    // identities of the namespace that is going away say so now.
    expect(writes.filter((line) => !/team-2\/app-0|clusterworkloadidentities\/status|workloadidentities\/status team-3\//u.test(line))).toEqual([]);
  });

  test('goes with its object, and with it the Secrets; the one of lower priority takes over again', async () => {
    await site.kubectl(['delete', 'cwid', 'first']);
    await site.see(paths.identity('team-1', 'app-0'), ({ metadata, spec }) => metadata.annotations?.['mtlsd.io/cluster-identity'] === 'all' && spec?.['ttl'] === undefined, patience.timeout);
    await site.apply(fleet('all', { serviceAccountNames: ['app-5'] }));
    await vi.waitFor(async () => {
      const made = (await site.list(everyIdentity)).filter(({ metadata }) => metadata.labels?.['mtlsd.io/cluster-identity-uid'] !== undefined && metadata.namespace !== 'team-3');
      expect(new Set(made.map(({ metadata }) => metadata.name))).toEqual(new Set(['app-5']));
    }, patience);
    await vi.waitFor(async () => expect(await site.get(paths.secret('team-9', 'app-4-mtls'))).toBeUndefined(), patience);
    expect((await site.see(paths.identity('team-0', 'by-hand'))).spec?.['serviceAccountName']).toBe('app-0');
  });

  test('and its pods are explained as the page says, by name and by manifest', async () => {
    const page = await readFile(join(root, 'docs', 'concepts', 'fleet.md'), 'utf8');
    const blocks = [...page.matchAll(/^```(\w+)([^\n]*)\n([^]*?)^```$/gmu)].map(([, language = '', words = '', text = '']) => ({ language, words, text }));
    const manifests = blocks.filter(({ language }) => language === 'yaml').map(({ text }) => text);
    const podManifest = blocks.find(({ words }) => words.includes('file=pod.yaml'))?.text ?? '';
    const shown = blocks.find(({ language, text }) => language === 'text' && text.startsWith('Pod shop/cart-1'))?.text;
    await site.addNamespace('shop', ['cart'], { mesh: 'shops' });
    await site.kubectl(['apply', '-f', '-'], manifests.join('---\n'));
    await site.see(paths.identity('shop', 'cart'), isReady, patience.timeout);
    const file = join(site.folder, 'pod.yaml');
    await writeFile(file, podManifest);
    const byName = await mtlsd('explain', 'pod', 'cart-1', '-n', 'shop', '--kubeconfig', site.kubeconfig);
    // Which the page does not have.
    const another = '  ClusterWorkloadIdentity all: its namespaceSelector does not select the namespace\n';
    expect({ ...byName, stdout: byName.stdout.replace(another, '') }).toEqual({ code: 0, stdout: shown, stderr: '' });
    expect(await mtlsd('explain', 'pod', '-f', file, '--kubeconfig', site.kubeconfig)).toEqual(byName);
    await site.kubectl(['label', 'namespace', 'shop', 'mesh-']);
    await site.see(fleetPath('shops'), (object) => object.status?.['matched'] === 0, patience.timeout);
    const none = await mtlsd('explain', 'pod', 'cart-1', '-n', 'shop', '--kubeconfig', site.kubeconfig, '--output', 'json');
    expect(none.code).toBe(1);
    expect(JSON.parse(none.stdout)).toMatchObject({ pod: 'shop/cart-1', candidates: expect.arrayContaining([{ from: 'ClusterWorkloadIdentity shops', chosen: false, why: 'its namespaceSelector does not select the namespace' }]) as unknown, missing: expect.arrayContaining([expect.stringContaining('no identity is for service account shop/cart') as string]) as unknown });
    expect((await mtlsd('explain', 'pod', 'nobody', '-n', 'shop', '--kubeconfig', site.kubeconfig)).stderr).toContain('Pod shop/nobody does not exist');
  });

  test('hears what its pods tell: what never updates, and keys for everybody', async () => {
    const volumes = [{ name: 'tls', secret: { secretName: 'app-5-mtls' } }];
    const containers = [{ name: 'main', image: 'registry.example/app', volumeMounts: [{ name: 'tls', mountPath: '/tls.crt', subPath: 'tls.crt' }] }];
    await site.apply({ apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'team-5', name: 'old' }, spec: { serviceAccountName: 'app-5', volumes, containers } });
    const { status } = await site.see(paths.identity('team-5', 'app-5'), says('Warnings', 'SubPathMount'), patience.timeout);
    expect(status?.conditions).not.toContainEqual(expect.objectContaining({ type: 'Mounted' }));
    expect(messageOf(await site.see(paths.identity('team-5', 'app-5')), 'Warnings')).toMatch(/^Pod old mount a part of it by subPath.*; in Pod old every user can read the private key/u);
    const told = await mtlsd('status', '--kubeconfig', site.kubeconfig);
    expect(told.stdout).toMatch(/! WorkloadIdentity team-5\/app-5 {2}SubPathMount/u);
  });

  test('stays when its definition is removed, and when that comes back without it (L14)', async () => {
    const before = (await site.list(everyIdentity)).map(({ metadata }) => metadata.uid).sort();
    await site.kubectl(['delete', 'crd', 'clusterworkloadidentities.mtlsd.io']);
    await vi.waitFor(() => controller.says(/CustomResourceDefinition clusterworkloadidentities\.mtlsd\.io is missing/u), patience);
    const from = controller.log.length;
    await site.applyDefinitions();
    await vi.waitFor(() => controller.says(/watch goes on/u, from), patience);
    await site.apply(fleet('new', { serviceAccountNames: ['app-6'] }));
    await site.see(fleetPath('new'), (object) => object.status?.['ready'] === 19, patience.timeout);
    const after = (await site.list(everyIdentity)).map(({ metadata }) => metadata.uid);
    expect(after).toEqual(expect.arrayContaining(before));
  });
});
