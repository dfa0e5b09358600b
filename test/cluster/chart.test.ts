/** The chart: what it renders, what it refuses, and its life on a real API server, uninstall and return included. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { readGatewayConfiguration } from '../../src/app/gateway/configuration.ts';
import { gatewayCommand } from '../../src/cli/gateway.ts';
import { readPages } from '../docs/pages.ts';
import { apiClient } from './chart-api.ts';
import type { Manifest } from './chart.ts';
import { chartFolder, env, helm, installChart, mtlsdUser, renderChart, systemNamespace } from './chart.ts';
import type { Cluster } from './cluster.ts';
import { startCluster } from './cluster.ts';

const crdFolder = join(import.meta.dirname, '..', '..', 'crds');

interface PodTemplate {
  readonly metadata: object;
  readonly spec: { readonly containers: readonly { readonly args: readonly string[]; readonly image: string }[] };
}

const ofKind = (manifests: readonly Manifest[], kind: string): Manifest[] => manifests.filter((manifest) => manifest.kind === kind);

function podTemplate(manifests: readonly Manifest[], name = 'mtlsd'): PodTemplate {
  const deployment = (ofKind(manifests, 'Deployment') as (Manifest & { readonly spec: { readonly template: PodTemplate } })[]).find(({ metadata }) => metadata.name === name);
  if (deployment === undefined) throw new Error('the chart renders no Deployment');
  return deployment.spec.template;
}

function controllerArgs(manifests: readonly Manifest[]): readonly string[] | undefined {
  return podTemplate(manifests).spec.containers[0]?.args;
}

/** What the page about the gateway gives to the chart, beside the configuration of a gateway that runs elsewhere. */
async function gatewayPage(): Promise<{ readonly values: string; readonly configuration: string }> {
  const page = (await readPages()).find(({ path }) => path === 'docs/clients/forward-auth.md');
  const block = (file: string): string => page?.blocks.find(({ words }) => words.includes(`file=${file}`))?.text ?? '';
  return { values: block('gateway-values.yaml'), configuration: block('gateway.yaml') };
}

async function renderGateway(): Promise<Manifest[]> {
  const folder = await mkdtemp(join(tmpdir(), 'mtlsd-gateway-values-'));
  try {
    const file = join(folder, 'values.yaml');
    await writeFile(file, (await gatewayPage()).values);
    return await renderChart(['--values', file]);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('rendered', () => {
  let manifests: Manifest[];
  beforeAll(async () => {
    manifests = await renderChart();
  });

  test('passes helm lint', async () => {
    const { code, stdout } = await helm(['lint', '--strict', chartFolder]);
    expect({ code, stdout }).toMatchObject({ code: 0 });
  });

  test('holds every definition of crds/, whole, and keeps it when the release goes', async () => {
    const files = await readdir(crdFolder);
    const sources = await Promise.all(files.map(async (file) => parse(await readFile(join(crdFolder, file), 'utf8')) as Manifest));
    const rendered = ofKind(manifests, 'CustomResourceDefinition');
    expect(rendered.map(({ spec }) => spec)).toEqual(sources.map(({ spec }) => spec));
    for (const { metadata } of rendered) expect(metadata.annotations).toMatchObject({ 'helm.sh/resource-policy': 'keep' });
  });

  test('leaves the definitions to others when told to', async () => {
    expect(ofKind(await renderChart(['--set', 'crds.install=false']), 'CustomResourceDefinition')).toEqual([]);
  });

  test('gives the controller its namespace, its metrics address, a place for what waits, and nothing else', () => {
    expect(controllerArgs(manifests)).toEqual(['controller', '--namespace', 'mtlsd-system', '--metrics-listen', '0.0.0.0:9464', '--audit-spool-dir', '/var/spool/mtlsd/audit']);
  });

  test('has the audit log go where it is told, with what that needs', async () => {
    const http = await renderChart(['--set', 'audit.sink=https://collector.example/mtlsd', '--set', 'audit.failClosed=true', '--set', 'audit.http.secretName=collector', '--set', 'audit.http.caKey=ca.crt', '--set', 'audit.http.tokenKey=token', '--set', 'audit.spoolBytes=16777216']);
    expect(controllerArgs(http)?.slice(5)).toEqual(['--audit-spool-dir', '/var/spool/mtlsd/audit', '--audit-sink', 'https://collector.example/mtlsd', '--audit-fail-closed', '--audit-spool-bytes', '16777216', '--audit-ca-file', '/etc/mtlsd/audit/ca.crt', '--audit-token-file', '/etc/mtlsd/audit/token']);
    expect(podTemplate(http).spec).toMatchObject({ volumes: [{ name: 'audit-spool', emptyDir: {} }, { name: 'audit-http', secret: { secretName: 'collector' } }], containers: [{ volumeMounts: [{ name: 'audit-spool', mountPath: '/var/spool/mtlsd' }, { name: 'audit-http', mountPath: '/etc/mtlsd/audit', readOnly: true }] }] });
    const file = await renderChart(['--set', 'audit.sink=/var/log/mtlsd/audit.jsonl', '--set', 'audit.volume.persistentVolumeClaim.claimName=audit', '--set', 'audit.spoolVolume=null']);
    expect(controllerArgs(file)).not.toContain('--audit-spool-dir');
    expect(podTemplate(file).spec).toMatchObject({ volumes: [{ name: 'audit-log', persistentVolumeClaim: { claimName: 'audit' } }], containers: [{ volumeMounts: [{ name: 'audit-log', mountPath: '/var/log/mtlsd' }] }] });
  });

  test('binds the right to Secrets everywhere by default, in chosen namespaces otherwise', async () => {
    const bindings = (all: readonly Manifest[], kind: string) => ofKind(all, kind).filter(({ metadata }) => metadata.name === 'mtlsd-secrets');
    expect(bindings(manifests, 'ClusterRoleBinding')).toHaveLength(1);
    expect(bindings(manifests, 'RoleBinding')).toEqual([]);

    const chosen = await renderChart(['--set', 'delivery.secrets.namespaces={shop,bank}']);
    expect(bindings(chosen, 'ClusterRoleBinding')).toEqual([]);
    expect(bindings(chosen, 'RoleBinding').map(({ metadata }) => metadata.namespace)).toEqual(['bank', 'mtlsd-system', 'shop']);
    expect(controllerArgs(chosen)?.slice(-2)).toEqual(['--watch-namespaces', 'bank,mtlsd-system,shop']);

    const none = await renderChart(['--set-json', 'delivery.secrets.namespaces=[]']);
    expect(bindings(none, 'RoleBinding').map(({ metadata }) => metadata.namespace)).toEqual(['mtlsd-system']);
  });

  test('delivers by Secrets, by pod certificates or by both', async () => {
    const roles = (all: readonly Manifest[]) => ofKind(all, 'ClusterRoleBinding').map(({ metadata }) => metadata.name);
    expect(roles(manifests)).toEqual(expect.arrayContaining(['mtlsd', 'mtlsd-pod-certificates', 'mtlsd-secrets']));

    const secrets = await renderChart(['--set', 'delivery.podCertificates.enabled=false']);
    expect(controllerArgs(secrets)?.slice(-2)).toEqual(['--delivery', 'secrets']);
    expect(roles(secrets)).not.toContain('mtlsd-pod-certificates');
    expect(JSON.stringify(ofKind(secrets, 'ClusterRole'))).not.toMatch(/podcertificaterequests|"sign"/);

    // No right to any Secret but its own namespace's.
    const podCertificates = await renderChart(['--set', 'delivery.secrets.enabled=false']);
    expect(controllerArgs(podCertificates)?.slice(-4)).toEqual(['--delivery', 'pod-certificates', '--watch-namespaces', systemNamespace]);
    expect(roles(podCertificates)).not.toContain('mtlsd-secrets');
    expect(ofKind(podCertificates, 'RoleBinding').filter(({ metadata }) => metadata.name === 'mtlsd-secrets').map(({ metadata }) => metadata.namespace)).toEqual([systemNamespace]);
  });

  test('runs the gateway as its page says, beside the controller and without a right', async () => {
    const withGateway = await renderGateway();
    const [configMap] = ofKind(withGateway, 'ConfigMap').filter(({ metadata }) => metadata.name === 'mtlsd-gateway') as (Manifest & { readonly data: Readonly<Record<string, string>> })[];
    const { configuration } = await gatewayPage();
    expect(readGatewayConfiguration(configMap?.data['gateway.yaml'] ?? '', 'the ConfigMap')).toEqual(readGatewayConfiguration(configuration, 'the page'));

    const args = podTemplate(withGateway, 'mtlsd-gateway').spec.containers[0]?.args ?? [];
    const known = gatewayCommand({} as never, async () => undefined).options.map(({ long }) => long);
    expect(args[0]).toBe('gateway');
    expect(known).toEqual(expect.arrayContaining(args.filter((arg) => arg.startsWith('--'))));

    expect(ofKind(withGateway, 'ServiceAccount').map(({ metadata }) => metadata.name)).toContain('mtlsd-gateway');
    const bindings = withGateway.filter(({ kind }) => kind.endsWith('RoleBinding'));
    expect(bindings.length).toBeGreaterThan(0);
    expect(JSON.stringify(bindings)).not.toContain('mtlsd-gateway');
    expect(podTemplate(withGateway)).toEqual(podTemplate(manifests));
  });

  test('refuses a gateway that would accept nothing', async () => {
    await expect(renderChart(['--set', 'gateway.enabled=true'])).rejects.toThrow('gateway: without issuers, rules and gateways it would accept nothing');
  });

  test('takes the image by tag or by digest', async () => {
    const image = async (...args: string[]) => podTemplate(await renderChart(args)).spec.containers[0]?.image;
    const { appVersion } = parse(await readFile(join(chartFolder, 'Chart.yaml'), 'utf8')) as { appVersion: string };
    expect(await image()).toBe(`mtlsd:${appVersion}`);
    expect(await image('--set', 'image.tag=next')).toBe('mtlsd:next');
    const digest = `sha256:${'0'.repeat(64)}`;
    expect(await image('--set', `image.digest=${digest}`, '--set', 'image.tag=next')).toBe(`mtlsd@${digest}`);
  });

  test('has neither policies nor bundles when they are off', async () => {
    const bare = await renderChart(['--set', 'policies.enabled=false,bundles.configMaps=false,bundles.clusterTrustBundles=false,rbac.aggregate=false']);
    const kinds = new Set(bare.map(({ kind }) => kind));
    expect([...kinds].filter((kind) => kind.startsWith('Validating'))).toEqual([]);
    expect(JSON.stringify(ofKind(bare, 'ClusterRole'))).not.toMatch(/configmaps|clustertrustbundles|attest|aggregate/);
    expect(controllerArgs(bare)?.slice(-2)).toEqual(['--bundles', 'none']);
  });

  test.each([
    ['bundles.clusterTrustBundles=false', 'config-maps'],
    ['bundles.configMaps=false', 'cluster-trust-bundles'],
  ])('tells the controller which bundles it may write: %s', async (value, kinds) => {
    expect(controllerArgs(await renderChart(['--set', value]))?.slice(-2)).toEqual(['--bundles', kinds]);
  });
});

describe('wrong values are refused with where and what', () => {
  test.each([
    ['replicas=0', /replicas.*minimum: got 0, want 1/],
    ['replicaCount=3', /additional properties 'replicaCount' not allowed/],
    ['image.pullPolicy=Sometimes', /image\/pullPolicy.*'Always', 'IfNotPresent', 'Never'/],
    ['image.digest=sha1:00', /image\/digest.*does not match pattern/],
    ['api.tlsSecretName=other/tokens', /api\/tlsSecretName.*does not match pattern/],
    ['metrics.port=80', /metrics\/port.*minimum: got 80, want 1,?024/],
    ['delivery.secrets.namespaces={Shop}', /delivery\/secrets\/namespaces\/0.*does not match pattern/],
    ['delivery.secrets.namespaces={*,shop}', /"\*" stands for every namespace and must stand alone/],
    ['delivery.secrets.enabled=false,delivery.podCertificates.enabled=false', /no identity would reach a pod: enable one/],
    ['restore.subjects[0].kind=ServiceAccount,restore.subjects[0].name=velero', /restore\/subjects\/0.*missing property 'namespace'/],
    ['rotate.subjects[0].kind=Robot,rotate.subjects[0].name=r2', /rotate\/subjects\/0\/kind.*'User', 'Group', 'ServiceAccount'/],
    ['policies.enabled=maybe', /policies\/enabled.*got string, want boolean/],
  ])('%s', async (value, message) => {
    const { code, stderr } = await helm(['template', 'mtlsd', chartFolder, '--namespace', systemNamespace, '--set', value]);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(message);
  });
});

describe('on an API server', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster({ env, controllerManager: true });
  });
  afterAll(() => cluster.stop());

  async function kubectl(args: readonly string[], stdin?: string): Promise<string> {
    const { code, stdout, stderr } = await cluster.kubectl(args, stdin);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    return stdout;
  }

  async function helmOk(args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await helm(args, cluster);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    return stdout;
  }

  const uid = (...args: string[]) => kubectl(['get', ...args, '-o', 'jsonpath={.metadata.uid}']);

  test('every object is accepted as it is, without a warning', async () => {
    const { code, stderr } = await helm(['install', 'mtlsd', chartFolder, '--namespace', systemNamespace, '--create-namespace', '--dry-run=server'], cluster);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    await kubectl(['create', 'namespace', systemNamespace]);
    const manifests = await renderGateway();
    const applied = await cluster.kubectl(['apply', '--server-side', '--dry-run=server', '--validate=strict', '--warnings-as-errors', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests }));
    expect(applied.stderr).toBe('');
    expect(applied.code).toBe(0);
  });

  test('is installed over definitions that kubectl had applied, and takes them over', async () => {
    await kubectl(['apply', '--server-side', '-f', crdFolder]);
    const before = await uid('crd', 'trustdomains.mtlsd.io');
    await expect(installChart(cluster)).rejects.toThrow('invalid ownership metadata');
    await helmOk(['uninstall', 'mtlsd', '-n', systemNamespace, '--ignore-not-found']);
    await installChart(cluster, ['--take-ownership', '--force-conflicts']);
    expect(await uid('crd', 'trustdomains.mtlsd.io')).toBe(before);
  });

  test('its pods are admitted where only restricted ones are', async () => {
    await kubectl(['label', 'namespace', systemNamespace, 'pod-security.kubernetes.io/enforce=restricted']);
    await kubectl(['create', 'serviceaccount', 'mtlsd-gateway', '-n', systemNamespace]);
    const manifests = await renderGateway();
    const pods = ['mtlsd', 'mtlsd-gateway'].map((name) => {
      const { metadata, spec } = podTemplate(manifests, name);
      return { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name: `probe-${name}`, namespace: systemNamespace }, spec };
    });
    for (const pod of pods) await kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(pod));
    const privileged = { ...pods[0], spec: { containers: [{ name: 'c', image: 'i', securityContext: { privileged: true } }] } };
    expect((await cluster.kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(privileged))).stderr).toContain('violates PodSecurity "restricted');
    await vi.waitFor(async () => expect(await kubectl(['get', 'pods', '-n', systemNamespace, '-o', 'name'])).toMatch(/^pod\/mtlsd-.*\npod\/mtlsd-/), { timeout: 30_000 });
  });

  test('a changed definition arrives with an upgrade', async () => {
    await kubectl(['patch', 'crd', 'trustdomains.mtlsd.io', '--type=json', '-p', '[{"op":"replace","path":"/spec/names/shortNames","value":["old"]}]']);
    await helmOk(['upgrade', 'mtlsd', chartFolder, '-n', systemNamespace, '--force-conflicts', '--set', 'replicas=1']);
    expect(await kubectl(['get', 'crd', 'trustdomains.mtlsd.io', '-o', 'jsonpath={.spec.names.shortNames}'])).toBe('["td"]');
    expect(await kubectl(['get', 'pdb', '-n', systemNamespace, '-o', 'name'])).toBe('');
  });

  test('a second installation in another namespace is refused before it changes anything', async () => {
    const { code, stderr } = await helm(['install', 'mtlsd', chartFolder, '--namespace', 'elsewhere', '--create-namespace'], cluster);
    expect(code).not.toBe(0);
    expect(stderr).toContain('annotation validation error: key "meta.helm.sh/release-namespace" must equal "elsewhere": current value is "mtlsd-system"');
  });

  test('an uninstall leaves definitions, records and Secrets, blocks nobody, and a new installation finds them', async () => {
    const api = await apiClient(cluster);
    await kubectl(['create', 'namespace', 'shop']);
    await kubectl(['apply', '-f', '-'], 'apiVersion: mtlsd.io/v1alpha1\nkind: TrustDomain\nmetadata: {name: shop.example}');
    await kubectl(['apply', '-f', '-'], 'apiVersion: mtlsd.io/v1alpha1\nkind: WorkloadIdentity\nmetadata: {name: web, namespace: shop}');
    const labels = { 'app.kubernetes.io/managed-by': 'mtlsd', 'mtlsd.io/trust-domain': 'shop.example' };
    const empty = Buffer.from('-').toString('base64');
    const record = { metadata: { name: 'mtlsd-authorities-shop.example', labels: { ...labels, 'mtlsd.io/authority-record': 'true' } }, type: 'mtlsd.io/authorities', data: {} };
    const delivered = { metadata: { name: 'web-mtls', labels }, type: 'kubernetes.io/tls', data: { 'tls.crt': empty, 'tls.key': empty } };
    for (const [namespace, draft] of [[systemNamespace, record], ['shop', delivered]] as const) {
      expect(await api.send('POST', `/api/v1/namespaces/${namespace}/secrets`, draft, { user: mtlsdUser })).toMatchObject({ code: 201 });
    }
    const everything = async () => [
      await uid('crd', 'trustdomains.mtlsd.io'),
      await uid('crd', 'workloadidentities.mtlsd.io'),
      await uid('trustdomain', 'shop.example'),
      await uid('workloadidentity', 'web', '-n', 'shop'),
      await uid('secret', 'mtlsd-authorities-shop.example', '-n', systemNamespace),
      await uid('secret', 'web-mtls', '-n', 'shop'),
    ];
    const before = await everything();

    await helmOk(['uninstall', 'mtlsd', '-n', systemNamespace]);
    expect(await everything()).toEqual(before);
    const left = await kubectl(['get', 'validatingadmissionpolicies,validatingadmissionpolicybindings,clusterroles,clusterrolebindings,deployments,services,serviceaccounts', '-A', '-l', 'app.kubernetes.io/part-of=mtlsd', '-o', 'name']);
    expect(left).toBe('');
    // With mtlsd gone nothing of it stands in the way: an object can be edited and deleted by who may.
    await vi.waitFor(() => kubectl(['patch', 'trustdomain', 'shop.example', '--subresource=status', '--type=merge', '-p', '{"status":{"signerEpoch":1}}', '--dry-run=server']), { timeout: 15_000 });
    await kubectl(['delete', 'workloadidentity', 'web', '-n', 'shop', '--dry-run=server']);

    await installChart(cluster);
    expect(await everything()).toEqual(before);
  });

  test('restore.subjects may restore, and a list of namespaces binds Secrets there only', async () => {
    const subject = '[{"kind":"User","name":"restorer"}]';
    await helmOk(['upgrade', 'mtlsd', chartFolder, '-n', systemNamespace, '--set-json', `restore.subjects=${subject}`, '--set', 'delivery.secrets.namespaces={shop}']);
    const can = async (user: string, ...what: string[]) => (await cluster.kubectl(['auth', 'can-i', ...what, `--as=${user}`])).stdout.trim();
    expect(await can('restorer', 'restore', 'trustdomains.mtlsd.io')).toBe('yes');
    expect(await can('somebody', 'restore', 'trustdomains.mtlsd.io')).toBe('no');
    expect(await can(mtlsdUser, 'get', 'secrets', '-n', 'shop')).toBe('yes');
    expect(await can(mtlsdUser, 'update', 'secrets', '-n', systemNamespace)).toBe('yes');
    expect(await can(mtlsdUser, 'get', 'secrets', '-n', 'default')).toBe('no');
    expect(await can(mtlsdUser, 'list', 'secrets', '-A')).toBe('no');
  });
});
