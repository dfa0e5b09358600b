/** A real API server takes the CRDs, and says of every manifest what our own validation says. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { validateManifest } from '../../src/resources/index.ts';
import { identity, manifestCases, trustDomain } from '../resources/manifest-cases.ts';
import { type Cluster, startCluster } from './cluster.ts';

const crds = join(import.meta.dirname, '../../crds');
const unchecked =
  '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';

let cluster: Cluster;

async function kubectl(args: readonly string[], stdin?: unknown): Promise<string> {
  const result = await cluster.kubectl(args, stdin === undefined ? undefined : JSON.stringify(stdin));
  if (result.code !== 0) throw new Error(result.stderr);
  return result.stdout;
}

beforeAll(async () => {
  cluster = await startCluster();
  await kubectl(['apply', '-f', crds]);
  await kubectl(['wait', '--for=condition=Established', 'crd/trustdomains.mtlsd.io', 'crd/workloadidentities.mtlsd.io']);
  await kubectl(['create', 'namespace', 'shop']);
});
afterAll(() => cluster?.stop());

/** The sentences of `The WorkloadIdentity "cart" is invalid: …`, one a line with a star when there are several. */
async function refusal(verb: 'create' | 'replace', manifest: unknown): Promise<readonly string[]> {
  const { code, stderr } = await cluster.kubectl([verb, '--dry-run=server', '-f', '-'], JSON.stringify(manifest));
  if (code === 0) return [];
  const [, list = stderr] = /^The \w+ ".*" is invalid: ([^]*)\n$/u.exec(stderr) ?? [];
  return list.split(/^\* |(?<=\n)\* /u).map((sentence) => sentence.replace(/\n$/u, '')).filter((sentence) => sentence !== '');
}

describe('the API server and our own validation', () => {
  test.each(manifestCases.filter(({ old }) => old === undefined).map((each) => [each.name, each] as const))(
    '%s',
    async (_, { good, bad, sentences }) => {
      const taken = JSON.parse(await kubectl(['create', '--dry-run=server', '-o', 'json', '-f', '-'], good)) as { spec: unknown };
      expect(validateManifest(good)).toMatchObject({ ok: true, object: { spec: taken.spec } });
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
