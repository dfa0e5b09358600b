/**
 * Injection on a real API server: its policy and `mtlsd inject` give the same pods the same, and refuse the same with the same
 * sentence; what pods say themselves stays.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { program } from '../../src/cli/program.ts';
import { injectManifest } from '../../src/injection/index.ts';
import { arbitraryPod } from '../injection/arbitrary-pod.ts';
import { apiClient, type ApiAnswer, type ApiClient } from './chart-api.ts';
import { env } from './chart.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { ControllerProcess } from './controller-process.ts';
import { cronJob, cronJobs, deployment, deployments, injectionObjects, labelled, unlabelled, type PodObject } from './injection-objects.ts';

const defaults = { delivery: 'secret', trustDomain: 'shop.example' } as const;
const pods = '/api/v1/namespaces/shop/pods';

let cluster: Cluster;
let api: ApiClient;

async function dryRun(object: object, path = pods): Promise<ApiAnswer> {
  return api.send('POST', `${path}?dryRun=All`, object);
}

function specOf({ code, message, body }: ApiAnswer): PodObject['spec'] {
  if (code !== 201) throw new Error(`${code}: ${message}`);
  return (body as PodObject).spec;
}

async function applyInjection(...values: readonly string[]): Promise<void> {
  const manifests = await injectionObjects(values.flatMap((value) => ['--set', value]));
  const { code, stderr } = await cluster.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests }));
  expect({ code, stderr }).toMatchObject({ code: 0 });
}

beforeAll(async () => {
  cluster = await startCluster({ env });
  api = await apiClient(cluster);
  await api.send('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  for (const name of ['default', 'cart']) await api.send('POST', '/api/v1/namespaces/shop/serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } });
  // Older than the policies, and wrong.
  expect((await api.send('POST', deployments, deployment('nonsense'))).code).toBe(201);
  await applyInjection('injection.trustDomain=shop.example');
  // Policies take effect some time after their creation, each by itself.
  await vi.waitFor(async () => {
    expect(specOf(await dryRun(labelled('secret'))).volumes?.map(({ name }) => name)).toContain('mtlsd');
    expect((await dryRun(labelled('nonsense'))).code).toBe(422);
    expect((await dryRun({ ...deployment('nonsense'), metadata: { name: 'b' } }, deployments)).code).toBe(422);
    expect((await dryRun(cronJob('nonsense'), cronJobs)).code).toBe(422);
  }, { timeout: 20_000 });
});
afterAll(async () => cluster.stop());

test('the policy and mtlsd inject do the same to any pod, and say the same of what is wrong', async () => {
  let [changed, refused] = [0, 0];
  const property = fc.asyncProperty(arbitraryPod, async (pod) => {
    const manifest = JSON.stringify(pod);
    const injected = injectManifest(manifest, defaults);
    const byPolicy = await dryRun(pod);
    if (injected.problems !== undefined) {
      refused += 1;
      const sentence = injected.problems.map((problem) => problem.replace('Pod shop/drawn: ', '')).join('; ');
      expect(byPolicy.code).toBe(422);
      // A pod that mounts the volume by name, and gets none, is refused before any policy is asked.
      if (!byPolicy.message.includes('volumeMounts')) expect(byPolicy.message).toContain(sentence);
      return;
    }
    if (injected.changed.length > 0) changed += 1;
    // A pod that needs its volume and does not ask for it is no pod: then both are refused by the API server itself.
    const byCommand = await dryRun(unlabelled(injected.text));
    if (byCommand.code !== 201) {
      expect(injected.changed).toEqual([]);
      expect(byPolicy.code).toBe(byCommand.code);
      return;
    }
    expect(specOf(byPolicy)).toEqual(specOf(byCommand));
    // Both together: what the one has added, the other leaves alone.
    expect(specOf(await dryRun(JSON.parse(injected.text) as object))).toEqual(specOf(byPolicy));
    expect(injectManifest(injected.text, defaults)).toEqual({ text: injected.text, changed: [] });
  });
  await fc.assert(property, { numRuns: 200, seed: 7 });
  // The cases are worth something only if many of them go each way.
  expect(changed).toBeGreaterThan(40);
  expect(refused).toBeGreaterThan(40);
});

describe('a pod', () => {
  test('gets Secret, mounts in every container, and variables', async () => {
    const { volumes, containers, initContainers } = specOf(await dryRun(labelled('secret', { initContainers: [{ name: 'first', image: 'x' }], securityContext: { fsGroup: 2000 } }))) as never as Record<string, object[]>;
    expect(volumes).toContainEqual({ name: 'mtlsd', secret: { secretName: 'cart-mtls', defaultMode: 0o440 } });
    for (const container of [...(containers ?? []), ...(initContainers ?? [])]) {
      expect(container).toMatchObject({ volumeMounts: expect.arrayContaining([{ name: 'mtlsd', mountPath: '/var/run/secrets/mtlsd', readOnly: true }]) as unknown });
      expect((container as { env: unknown }).env).toContainEqual({ name: 'MTLSD_CREDENTIAL_BUNDLE_FILE', value: '/var/run/secrets/mtlsd/credential-bundle.pem' });
    }
  });

  test('gets a pod certificate and the roots of its own trust domain, which the signer is told as well', async () => {
    const { volumes } = specOf(await dryRun(labelled('pod-certificate', {}, { 'mtlsd.io/trust-domain': 'bank.example', 'mtlsd.io/identity': 'teller' })));
    const volume = volumes?.find(({ name }) => name === 'mtlsd') as { readonly projected?: { readonly sources: readonly object[] } } | undefined;
    const [podCertificate, clusterTrustBundle] = volume?.projected?.sources ?? [];
    expect(podCertificate).toMatchObject({ podCertificate: { signerName: 'mtlsd.io/x509-svid', keyType: 'ECDSAP256', userAnnotations: { 'mtlsd.io/trust-domain': 'bank.example', 'mtlsd.io/identity': 'teller' } } });
    expect(clusterTrustBundle).toEqual({ clusterTrustBundle: { signerName: 'mtlsd.io/x509-svid', labelSelector: { matchLabels: { 'mtlsd.io/trust-domain': 'bank.example' } }, path: 'ca.crt' } });
  });

  test('keeps variables that are named twice, which Kubernetes allows', async () => {
    const variables = [{ name: 'X', value: '1' }, { name: 'X', value: '2' }];
    const { containers } = specOf(await dryRun(labelled('secret', { containers: [{ name: 'main', image: 'x', env: variables }] }))) as never as { containers: { env: object[] }[] };
    expect(containers[0]?.env.slice(0, 2)).toEqual(variables);
  });

  test('that is the mirror of a static one is left alone', async () => {
    const mirror = labelled('secret', { serviceAccountName: '', automountServiceAccountToken: false, nodeName: 'node' }, { 'kubernetes.io/config.mirror': 'x' });
    expect(specOf(await dryRun(mirror)).volumes).toBeUndefined();
  });

  test('that does not ask is left alone', async () => {
    const pod = labelled('false', { automountServiceAccountToken: false });
    expect(specOf(await dryRun(pod)).volumes).toBeUndefined();
  });

  test('gets it in containers too that somebody else adds after us', async () => {
    const sidecar = "object.spec.containers.exists(c, c.name == 'sidecar') ? [] : [JSONPatch{op: 'add', path: '/spec/containers/-', value: Object.spec.containers{name: 'sidecar', image: 'x'}}]";
    const registration = 'admissionregistration.k8s.io/v1';
    const spec = {
      reinvocationPolicy: 'Never',
      failurePolicy: 'Fail',
      matchConstraints: { objectSelector: { matchLabels: { sidecar: 'yes' } }, resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }] },
      mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: sidecar } }],
    };
    for (const object of [{ apiVersion: registration, kind: 'MutatingAdmissionPolicy', metadata: { name: 'zz-sidecar' }, spec }, { apiVersion: registration, kind: 'MutatingAdmissionPolicyBinding', metadata: { name: 'zz-sidecar' }, spec: { policyName: 'zz-sidecar' } }]) {
      const path = object.kind === 'MutatingAdmissionPolicy' ? 'mutatingadmissionpolicies' : 'mutatingadmissionpolicybindings';
      expect(await api.send('POST', `/apis/${registration}/${path}`, object)).toMatchObject({ code: 201 });
    }
    const pod = labelled('secret');
    const containers = await vi.waitFor(async () => {
      const seen = (specOf(await dryRun({ ...pod, metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, sidecar: 'yes' } } })) as unknown as { containers: { name: string }[] }).containers;
      expect(seen.map(({ name }) => name)).toEqual(['main', 'sidecar']);
      return seen;
    }, { timeout: 20_000 });
    for (const container of containers) expect(container).toMatchObject({ volumeMounts: expect.arrayContaining([expect.objectContaining({ name: 'mtlsd' })]) as unknown });
  });

  test('may get the label later, which changes nothing and hinders nothing', async () => {
    const pod = { ...labelled('secret'), metadata: { name: 'late', namespace: 'shop' } };
    const created = (await api.send('POST', pods, pod)).body as PodObject;
    const again = await api.send('PUT', `${pods}/late`, { ...created, metadata: { ...created.metadata, labels: { 'mtlsd.io/inject': 'nonsense' } } });
    expect(again.code).toBe(200);
  });
});

describe('a template', () => {
  const sentence = 'the label mtlsd.io/inject is "nonsense": write secret, pod-certificate, "true" (what this installation prefers) or "false"';

  test.each([
    ['of a Deployment', deployments, { ...deployment('nonsense'), metadata: { name: 'b' } }],
    ['of a CronJob', cronJobs, cronJob('nonsense')],
  ])('%s is refused when it is applied', async (_what, path, object) => {
    expect(await dryRun(object, path)).toMatchObject({ code: 422, message: expect.stringContaining(sentence) as string });
  });

  test('that was there before stays usable until somebody changes it', async () => {
    const path = `${deployments}/a?dryRun=All`;
    expect((await api.send('PUT', path, deployment('nonsense', 3))).code).toBe(200);
    expect(await api.send('PUT', path, deployment('more-nonsense'))).toMatchObject({ code: 422 });
    expect((await api.send('PUT', path, deployment('secret'))).code).toBe(200);
  });

  test('that is right is taken', async () => {
    expect(await dryRun({ ...deployment('pod-certificate'), metadata: { name: 'b' } }, deployments)).toMatchObject({ code: 201 });
    expect(await dryRun(cronJob('true'), cronJobs)).toMatchObject({ code: 201 });
  });
});

test('docs/concepts/delivery.md shows manifests that the API server takes and changes as it says', async () => {
  const page = await readFile(join(import.meta.dirname, '..', '..', 'docs', 'concepts', 'delivery.md'), 'utf8');
  const manifests = [...page.matchAll(/^```yaml[^\n]*\n([^]*?)^```$/gmu)].map(([, text = '']) => parse(text) as { kind: string; spec: { template: object } });
  expect(manifests.map(({ kind }) => kind)).toEqual(['Deployment', 'Pod']);
  const [shown, pod] = manifests;
  expect(await dryRun(shown ?? {}, deployments)).toMatchObject({ code: 201 });
  for (const each of [{ apiVersion: 'v1', kind: 'Pod', ...shown?.spec.template }, pod ?? {}]) {
    const named = { ...each, metadata: { ...(each as { metadata: object }).metadata, name: 'shown' } };
    expect(specOf(await dryRun(named)).volumes).toContainEqual(expect.objectContaining({ name: 'mtlsd', secret: expect.objectContaining({ secretName: 'cart-mtls' }) as unknown }));
  }
});

describe('a pod whose identity is not there', () => {
  const root = join(import.meta.dirname, '..', '..');
  const patience = { timeout: 20_000, interval: 100 };
  const sentence = 'it waits for Secret shop/nobody-mtls, because no identity is delivered to it: create WorkloadIdentity shop/nobody, or name another identity with the annotation mtlsd.io/identity';

  interface PodEvent {
    readonly regarding: { readonly name: string };
    readonly type: string;
    readonly reason: string;
    readonly note: string;
  }

  async function eventsOf(pod: string): Promise<readonly PodEvent[]> {
    const { body } = await api.send('GET', '/apis/events.k8s.io/v1/namespaces/shop/events');
    return (body as { items: PodEvent[] }).items.filter(({ regarding }) => regarding.name === pod);
  }

  async function status(): Promise<string> {
    let stdout = '';
    const io = { stdin: Readable.from([]), stdout: (text: string) => void (stdout += text), stderr: () => undefined, isTerminal: false, nowMs: () => Date.now(), setExitCode: () => undefined };
    await program(io, () => Promise.resolve()).parseAsync(['status', '--kubeconfig', cluster.kubeconfigPath], { from: 'user' });
    return stdout;
  }

  async function apply(...objects: readonly object[]): Promise<void> {
    const { code, stderr } = await cluster.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
    expect({ code, stderr }).toMatchObject({ code: 0 });
  }

  const ours = { apiVersion: 'mtlsd.io/v1alpha1' };

  test('is told so by an Event and by mtlsd status, until it is', async () => {
    expect((await cluster.kubectl(['apply', '-f', join(root, 'crds')])).code).toBe(0);
    await cluster.kubectl(['wait', '--for=condition=Established', 'crd', '--all']);
    await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'mtlsd-system' } }, { ...ours, kind: 'TrustDomain', metadata: { name: 'shop.example' } });
    const asking = (name: string, label: string): object => ({ ...labelled(label), metadata: { ...labelled(label).metadata, name, annotations: { 'mtlsd.io/identity': 'nobody' } } });
    // Some are there already, with each value of the label, and one comes later.
    await apply(asking('early', 'secret'), asking('early-too', 'true'));
    await using controller = ControllerProcess.start(cluster.kubeconfigPath);
    await controller.leads();
    await apply(asking('lost', 'secret'));

    for (const pod of ['early', 'early-too', 'lost']) {
      const [event] = await vi.waitFor(async () => {
        const events = await eventsOf(pod);
        expect(events).toHaveLength(1);
        return events;
      }, patience);
      expect(event).toMatchObject({ type: 'Warning', reason: 'IdentityMissing', note: sentence });
    }
    // Of pod certificates the signer tells in Events, once kubelet has asked it; status need not wait for that.
    await apply({ ...labelled('pod-certificate'), metadata: { ...labelled('pod-certificate').metadata, name: 'without' } });
    await vi.waitFor(async () => {
      const text = await status();
      expect(text).toContain(sentence);
      expect(text).toContain('it waits for its pod certificate: no identity is for service account shop/cart');
    }, patience);

    await apply({ ...ours, kind: 'WorkloadIdentity', metadata: { name: 'nobody', namespace: 'shop' }, spec: { serviceAccountName: 'cart' } });
    await vi.waitFor(async () => expect((await api.send('GET', '/api/v1/namespaces/shop/secrets/nobody-mtls')).code).toBe(200), patience);
    await vi.waitFor(async () => expect(await status()).not.toMatch(/Pod shop\/(?:early|lost|without)/u), patience);
    expect(await eventsOf('lost')).toHaveLength(1);
    await controller.stop();
  });
});

test('an installation without a trust domain that prefers pod certificates asks for the trust domain', async () => {
  await applyInjection('injection.delivery=pod-certificate');
  const sentence = 'a pod certificate needs a trust domain, and this installation has no default: name it with the annotation mtlsd.io/trust-domain';
  await vi.waitFor(async () => {
    expect(await dryRun(labelled('true'))).toMatchObject({ code: 422, message: expect.stringContaining(sentence) as string });
    expect(specOf(await dryRun(labelled('true', {}, { 'mtlsd.io/trust-domain': 'bank.example' }))).volumes).toContainEqual(expect.objectContaining({ name: 'mtlsd', projected: expect.anything() as unknown }));
  }, { timeout: 20_000 });
  const injected = injectManifest(JSON.stringify(labelled('true')), { delivery: 'pod-certificate', trustDomain: undefined });
  expect(injected.problems).toEqual([`Pod shop/cart: ${sentence}`]);
});

test.each([
  ['podCertificates', 'pod-certificate', 'this installation signs no pod certificates: write mtlsd.io/inject: secret', 'secret'],
  ['secrets', 'secret', 'this installation writes no Secrets of identities: write mtlsd.io/inject: pod-certificate', 'projected'],
])('an installation without delivery.%s refuses what it cannot give, and prefers what it can', async (delivery, label, sentence, source) => {
  await applyInjection(`delivery.${delivery}.enabled=false`, 'injection.trustDomain=shop.example');
  await vi.waitFor(async () => {
    expect(await dryRun(labelled(label))).toMatchObject({ code: 422, message: expect.stringContaining(sentence) as string });
    expect(specOf(await dryRun(labelled('true'))).volumes).toContainEqual(expect.objectContaining({ name: 'mtlsd', [source]: expect.anything() as unknown }));
  }, { timeout: 20_000 });
});

test('the chart leaves injection out where the API server cannot do it, or when told to', async () => {
  expect(await injectionObjects(['--kube-version', '1.35.0'])).toEqual([]);
  expect(await injectionObjects(['--set', 'injection.enabled=false'])).toEqual([]);
  expect(await injectionObjects(['--kube-version', '1.36.0'])).toHaveLength(8);
  // Without policies that refuse, pods still get what they ask for.
  expect(await injectionObjects(['--set', 'policies.enabled=false'])).toHaveLength(2);
  // A server that says which kinds it has is believed.
  expect(await injectionObjects(['--kube-version', '1.36.0', '--api-versions', 'v1/Pod'])).toEqual([]);
});
