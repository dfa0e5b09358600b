/**
 * The commands for a cluster of the runbooks, word for word, from top to bottom; rotations by a service account that has the
 * chart's role for them and nothing else, mtlsd with the chart's own rights.
 */
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readPages, root, type Block } from '../docs/pages.ts';
import { apiClient, type ApiClient } from './chart-api.ts';
import { env, installChart, runCommand, systemNamespace, type CommandResult } from './chart.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { writeKubeconfig } from './credentials.ts';
import { startController, type RunningController } from './rights-controller.ts';

const pages = new Map((await readPages()).map((page) => [page.path, page]));

let cluster: Cluster;
let api: ApiClient;
let controller: RunningController;
let folder: string;

/** Somebody with a kubeconfig of their own, in the folder where the commands of the pages are typed. */
async function typed(account: 'administrator' | 'rotator' | 'nobody' | 'reader', commands: string): Promise<CommandResult> {
  const settings = {
    PATH: `${folder}:${cluster.binDir}:${process.env['PATH'] ?? ''}`,
    KUBECONFIG: account === 'administrator' ? cluster.kubeconfigPath : join(folder, account),
    KUBECACHEDIR: join(folder, 'cache'),
    NO_COLOR: '1',
  };
  return runCommand('bash', ['-eu', '-o', 'pipefail', '-c', commands], settings, folder);
}

function clusterBlocks(page: string): readonly Block[] {
  return pages.get(page)?.blocks.filter(({ language, words }) => language === 'sh' && words.includes('cluster')) ?? [];
}

/** Does what a page says, but for what it says of rights by somebody who may do nothing but rotate. */
async function followed(page: string, account: 'administrator' | 'rotator'): Promise<void> {
  const blocks = clusterBlocks(page);
  expect(blocks.length).toBeGreaterThan(0);
  for (const { text, line } of blocks) {
    const { code, stdout, stderr } = await typed(/rolebinding/u.test(text) ? 'administrator' : account, text);
    if (code !== 0) throw new Error(`${page}:${line}: ended with ${code}:\n${text}\n${stdout}\n${stderr}\n${controller.ended ?? ''}`);
  }
}

async function kubectl(args: readonly string[], stdin?: string): Promise<string> {
  const { code, stdout, stderr } = await cluster.kubectl(args, stdin);
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  return stdout;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtlsd-runbooks-'));
  await symlink(join(root, 'bin', 'mtlsd'), join(folder, 'mtlsd'));
  cluster = await startCluster({ env });
  api = await apiClient(cluster);
  await kubectl(['create', 'namespace', 'shop']);
  await installChart(cluster);
  await kubectl(['wait', '--for=condition=Established', 'crd/trustdomains.mtlsd.io', 'crd/workloadidentities.mtlsd.io', 'crd/carotations.mtlsd.io']);
  for (const account of ['cart', 'pay', 'rotator', 'reader', 'nobody']) await kubectl(['create', 'serviceaccount', account, '--namespace', 'shop']);
  for (const account of ['rotator', 'reader', 'nobody']) {
    const token = (await kubectl(['create', 'token', account, '--namespace', 'shop', '--duration', '1h'])).trim();
    await writeKubeconfig(join(folder, account), { server: cluster.server, caFile: cluster.caFile, token });
  }
  await kubectl(['create', 'clusterrole', 'looks', '--verb=get,list,watch', '--resource=trustdomains.mtlsd.io,workloadidentities.mtlsd.io,clusterworkloadidentities.mtlsd.io,carotations.mtlsd.io']);
  await kubectl(['create', 'clusterrolebinding', 'looks', '--clusterrole=looks', '--serviceaccount=shop:reader']);
  controller = await startController(cluster);
  // What the reader of the first page has: its own manifests.
  const manifests = pages.get('docs/operate/ca-rotation.md')?.blocks.find(({ words }) => words.some((word) => word.startsWith('file=')))?.text ?? '';
  await kubectl(['apply', '--filename', '-'], manifests);
  await kubectl(['wait', 'workloadidentities', '--all', '--namespace', 'shop', '--for=condition=Ready', '--timeout=60s']);
}, 180_000);

afterAll(async () => {
  await controller?.stop();
  await cluster?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('who may not rotate', () => {
  test.each([
    ['nobody', 'mtlsd rotate root --dry-run', /^mtlsd: \w+ list is out of reach: .* cannot watch resource "\w+" in API group "mtlsd\.io" at the cluster scope\. Grant "watch" on \w+\.mtlsd\.io\. $/u],
    ['reader', 'mtlsd rotate root', /^mtlsd: CARotation shop\.example-root-\w+ is out of reach: .* Grant "create" on carotations\.mtlsd\.io\. $/u],
    ['rotator', 'kubectl delete workloadidentity cart --namespace shop', /cannot (?:get|delete) resource "workloadidentities"/u],
  ] as const)('%s: %s is told in a line which right is missing', async (account, command, sentence) => {
    const { code, stderr } = await typed(account, command);
    expect(code).not.toBe(0);
    expect(stderr.replaceAll(/\s+/gu, ' ')).toMatch(sentence);
  });
});

describe('the runbooks in a cluster, word for word', () => {
  test('ca-rotation.md, by who may rotate and nothing else', async () => {
    await followed('docs/operate/ca-rotation.md', 'rotator');
  });

  test('a wrong wish is told in a line, and asks for nothing', async () => {
    const before = await kubectl(['get', 'rot', '--output=name']);
    const wrong = [
      ['mtlsd rotate root --trust-domain bank.example', /mtlsd: .*there is no TrustDomain bank\.example; there is shop\.example/u],
      ['mtlsd rotate root --emergency --confirm bank.example', /"bank\.example" is not shop\.example: nothing was done/u],
      ['mtlsd rotate approve', /mtlsd: .*no rotation is under way/u],
      ['mtlsd rotate receipt none', /mtlsd: .*there is no CARotation none/u],
      ['mtlsd rotate root --name spring', /mtlsd: .*CARotation spring exists/u],
    ] as const;
    const outcomes = await Promise.all(wrong.map(async ([command]) => typed('rotator', command)));
    for (const [index, [command, sentence]] of wrong.entries()) {
      const { code, stderr } = outcomes[index] ?? { code: 0, stderr: '' };
      expect([command, code > 0, stderr.replaceAll(/\s+/gu, ' ')]).toEqual([command, true, expect.stringMatching(sentence)]);
    }
    expect(await kubectl(['get', 'rot', '--output=name'])).toBe(before);
  });

  test('who may rotate can do nothing else to our kinds, nor to what they are made of', async () => {
    interface Review {
      readonly status: { readonly allowed: boolean };
    }
    const may = async (account: string, verb: string, resource: string, more: object = {}): Promise<string | undefined> => {
      const [plural = '', group = ''] = resource.split(/\.(.*)/su);
      const [name, subresource] = plural.split('/');
      const resourceAttributes = { verb, group, resource: name, ...(subresource === undefined ? {} : { subresource }), ...more };
      const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes } };
      const { body } = await api.send('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', review, { user: `system:serviceaccount:shop:${account}` });
      return (body as Review).status.allowed ? `${verb} ${resource}` : undefined;
    };
    const kinds = ['trustdomains', 'workloadidentities', 'clusterworkloadidentities', 'carotations'].flatMap((kind) => [`${kind}.mtlsd.io`, `${kind}/status.mtlsd.io`]);
    const others = ['secrets', 'configmaps', 'pods', 'nodes', 'leases.coordination.k8s.io', 'clustertrustbundles.certificates.k8s.io'];
    const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection', 'restore'];
    const rightsOf = async (account: string): Promise<readonly string[]> => (await Promise.all([...kinds, ...others].flatMap((resource) => verbs.map(async (verb) => may(account, verb, resource))))).filter((each) => each !== undefined);
    // Some things every service account may read.
    const everybodys = new Set(await rightsOf('nobody'));
    const looks = (resource: string, ...more: readonly string[]): readonly string[] => ['get', 'list', 'watch', ...more].map((verb) => `${verb} ${resource}`);
    expect((await rightsOf('rotator')).filter((right) => !everybodys.has(right))).toEqual([
      ...looks('trustdomains.mtlsd.io'),
      ...looks('workloadidentities.mtlsd.io'),
      ...looks('clusterworkloadidentities.mtlsd.io'),
      ...looks('carotations.mtlsd.io', 'create', 'update', 'patch'),
      ...['pods', 'nodes'].flatMap((resource) => ['list', 'watch'].map((verb) => `${verb} ${resource}`)),
    ]);
    expect(everybodys).toEqual(new Set(looks('clustertrustbundles.certificates.k8s.io')));
    expect(await may('rotator', 'get', 'configmaps', { namespace: systemNamespace })).toBe('get configmaps');
    expect(await may('rotator', 'get', 'secrets', { namespace: systemNamespace })).toBeUndefined();
  });

  test('a drill measures writes where it may, and says which right is missing where it may not', async () => {
    const drill = 'mtlsd rotate root --emergency --dry-run';
    const [measured, blind] = await Promise.all([typed('administrator', drill), typed('rotator', drill)]);
    expect(measured.stdout).toMatch(/Reissue +\S+ +measured .*[^]*writes +\d+ a second +seen after \d+ ms \(96 writes: 16 ConfigMaps mtlsd-drill-\w+-… in namespace mtlsd-system, removed again\)/u);
    expect(blind.stdout).toMatch(/Reissue +\S+ +assumed .*[^]*writes +not measured +.*Grant "\w+" on configmaps in namespace mtlsd-system/u);
    expect(await kubectl(['get', 'configmaps', '--namespace', systemNamespace, '--selector', 'mtlsd.io/drill', '--output=name'])).toBe('');
  });

  test('clock-skew.md and restore.md', async () => {
    await followed('docs/operate/clock-skew.md', 'administrator');
    await followed('docs/operate/restore.md', 'administrator');
  });

  test('ca-compromise.md: what the thief has is refused by what is delivered then', async () => {
    await typed('administrator', `kubectl get secret pay-mtls --namespace shop --output jsonpath='{.data.tls\\.crt}' | base64 --decode > stolen.crt`);
    // Its mount never changes, so it is named among who breaks, and is evicted.
    const volumes = [{ name: 'identity', secret: { secretName: 'cart-mtls' } }];
    const containers = [{ name: 'app', image: 'none', volumeMounts: [{ name: 'identity', mountPath: '/identity', subPath: 'tls.crt' }] }];
    await kubectl(['create', '--filename', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'shop', name: 'frozen' }, spec: { serviceAccountName: 'nobody', volumes, containers, automountServiceAccountToken: false } }));
    await followed('docs/operate/ca-compromise.md', 'administrator');
    expect(await kubectl(['get', 'pods', '--namespace', 'shop', '--output=name'])).not.toContain('frozen');
    await vi.waitFor(
      async () => {
        const { stdout } = await typed('administrator', `kubectl get secret cart-mtls --namespace shop --output jsonpath='{.data.ca\\.crt}' | base64 --decode > ca.crt; mtlsd verify --bundle ca.crt stolen.crt || true`);
        expect(stdout).toContain('refused  stolen.crt');
      },
      { timeout: 20_000, interval: 500 },
    );
  });
});
