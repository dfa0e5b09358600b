/** A real API server takes the CRDs, and says of every manifest what our own validation says. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { validateManifest } from '../../src/resources/index.ts';
import { identity, manifestCases, trustDomain } from '../resources/manifest-cases.ts';
import { apiClient, type ApiAnswer, type ApiClient } from './chart-api.ts';
import { type Cluster, startCluster } from './cluster.ts';

const dry = '?dryRun=All&fieldValidation=Strict';
const crds = join(import.meta.dirname, '../../crds');
const unchecked =
  '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';

const plurals: Readonly<Record<string, string>> = { TrustDomain: 'trustdomains', WorkloadIdentity: 'workloadidentities', ClusterWorkloadIdentity: 'clusterworkloadidentities', CARotation: 'carotations' };

let cluster: Cluster;
let api: ApiClient;

async function kubectl(args: readonly string[], stdin?: unknown): Promise<string> {
  const result = await cluster.kubectl(args, stdin === undefined ? undefined : JSON.stringify(stdin));
  if (result.code !== 0) throw new Error(result.stderr);
  return result.stdout;
}

beforeAll(async () => {
  cluster = await startCluster();
  api = await apiClient(cluster);
  await kubectl(['apply', '-f', crds]);
  await kubectl(['wait', '--for=condition=Established', 'crd/trustdomains.mtlsd.io', 'crd/workloadidentities.mtlsd.io']);
  await kubectl(['create', 'namespace', 'shop']);
});
afterAll(() => cluster?.stop());

/** What becomes of a manifest, without keeping it: the object as it would be stored, or the sentences that kubectl shows of a refusal. */
async function tried(verb: 'create' | 'replace', manifest: object): Promise<{ readonly object: unknown } | { readonly sentences: readonly string[] }> {
  const { kind, metadata } = manifest as { readonly kind: string; readonly metadata: { readonly name: string; readonly namespace?: string } };
  const list = `/apis/mtlsd.io/v1alpha1${metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`}/${plurals[kind] ?? kind}`;
  const answer = verb === 'create' ? await api.send('POST', list + dry, manifest) : await replaced(`${list}/${metadata.name}`, manifest, metadata);
  if (answer.code < 300) return { object: answer.body };
  const { causes = [] } = (answer.body as { readonly details?: { readonly causes?: readonly { readonly field?: string; readonly message: string }[] } }).details ?? {};
  return { sentences: causes.length === 0 ? [answer.message] : causes.map(({ field, message }) => `${field}: ${message}`) };
}

async function replaced(path: string, manifest: object, metadata: object): Promise<ApiAnswer> {
  const { body } = await api.send('GET', path);
  const { resourceVersion } = (body as { readonly metadata: { readonly resourceVersion: string } }).metadata;
  return api.send('PUT', path + dry, { ...manifest, metadata: { ...metadata, resourceVersion } });
}

async function refusal(verb: 'create' | 'replace', manifest: object): Promise<readonly string[]> {
  const outcome = await tried(verb, manifest);
  return 'object' in outcome ? [] : outcome.sentences;
}

describe('the API server and our own validation', () => {
  test.each(manifestCases.filter(({ old }) => old === undefined).map((each) => [each.name, each] as const))(
    '%s',
    async (_, { good, bad, sentences }) => {
      const taken = await tried('create', good);
      expect(taken).toHaveProperty('object');
      expect(validateManifest(good)).toMatchObject({ ok: true, object: { spec: 'object' in taken && (taken.object as { readonly spec: unknown }).spec } });
      const said = await refusal('create', bad);
      if (said.includes(unchecked)) expect(sentences).toEqual(expect.arrayContaining(said.filter((sentence) => sentence !== unchecked)));
      else expect([...said].sort()).toEqual([...sentences].sort());
      expect(said).not.toEqual([]);
    },
  );

  test.each(manifestCases.filter(({ old }) => old !== undefined).map((each) => [each.name, each] as const))(
    '%s',
    async (_, { old, good, bad, sentences }) => {
      await kubectl(['create', '-f', '-'], old);
      try {
        expect(await refusal('replace', good)).toEqual([]);
        expect(await refusal('replace', bad)).toEqual(sentences);
      } finally {
        await kubectl(['delete', '-f', '-'], old);
      }
    },
  );

  test('both refuse a field that does not exist', async () => {
    const [said] = await refusal('create', trustDomain({ foo: 1, svid: { bar: 2 } }));
    expect(said).toContain('strict decoding error: unknown field "spec.foo", unknown field "spec.svid.bar"');
  });
});

describe('what people see', () => {
  test('columns, the category and selectable fields', async () => {
    await kubectl(['create', '-f', '-'], trustDomain({ default: true }));
    await kubectl(['create', '-f', '-'], identity({ serviceAccountName: 'cart-sa' }));
    const condition = { type: 'Ready', status: 'True', reason: 'Issued', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' };
    const status = {
      spiffeID: 'spiffe://shop.example/ns/shop/sa/cart-sa',
      notAfter: '2999-01-01T00:00:00Z',
      secret: { name: 'cart-mtls' },
      issuer: 'ab12',
      conditions: [condition],
    };
    await kubectl(['patch', 'wid', 'cart', '-n', 'shop', '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })]);

    const lines = (await kubectl(['get', 'wid', '-n', 'shop', '--field-selector', 'status.issuer=ab12'])).split('\n');
    expect(lines[0]).toMatch(/^NAME +SPIFFE ID +READY +REASON +EXPIRES +SECRET +AGE$/u);
    expect(lines[1]).toMatch(
      /^cart +spiffe:\/\/shop\.example\/ns\/shop\/sa\/cart-sa +True +Issued +2999-01-01T00:00:00Z +cart-mtls +\S+$/u,
    );
    expect(await kubectl(['get', 'wid', '-n', 'shop', '--field-selector', 'spec.serviceAccountName=other'])).toBe('');
    expect(await kubectl(['get', 'td', '--field-selector', 'spec.default=true', '-o', 'name'])).toBe('trustdomain.mtlsd.io/shop.example\n');
    expect((await kubectl(['get', 'mtls', '-n', 'shop', '-o', 'name'])).split('\n').sort()).toEqual([
      '', 'trustdomain.mtlsd.io/shop.example', 'workloadidentity.mtlsd.io/cart',
    ]);
  });

  test('kubectl explain has a sentence for every field', async () => {
    for (const path of ['td.spec', 'td.status', 'td.spec.bundle.namespaceSelector', 'wid.spec', 'wid.status', 'wid.spec.secretTemplate']) {
      const text = await kubectl(['explain', path]);
      const [, fields = ''] = text.split('\nFIELDS:\n');
      const entries = fields.split(/\n\n/u).filter((entry) => entry.trim() !== '');
      expect(entries.length).toBeGreaterThan(1);
      expect(entries.filter((entry) => entry.includes('<no description>'))).toEqual([]);
    }
  });
});
