import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { WorkloadIdentity } from '../../../src/resources/index.ts';
import type { DirectoryStore } from '../../../src/store/directory/index.ts';
import { eventually } from '../../contract/store-contract.ts';
import { failureCode, precondition, Workbench } from './workbench.ts';

const wid = (name: string, ttl = '1h', more = '') => `apiVersion: mtlsd.io/v1alpha1\nkind: WorkloadIdentity\nmetadata:\n  name: ${name}\n  namespace: shop\n${more}spec:\n  ttl: ${ttl}\n`;
const key = (name: string, namespace = 'shop') => ({ kind: 'WorkloadIdentity', namespace, name }) as const;
const ttlOf = async (store: DirectoryStore, name: string, namespace?: string) => (await store.get(key(name, namespace)))?.spec.ttl;
const accepted = (object: WorkloadIdentity | undefined) => object?.status?.conditions?.find(({ type }) => type === 'Accepted');
const codes = (store: DirectoryStore) => store.problems().map(({ code }) => code);

/** Looks until a change that needs time to settle has settled. */
async function until(store: DirectoryStore, what: string, look: () => Promise<boolean> | boolean): Promise<void> {
  await eventually(what, async () => {
    await store.scan();
    return (await look()) || undefined;
  });
}

describe('what counts as a manifest', () => {
  test('YAML and JSON below the folder, several documents, Lists, links; no dot-files, no other kinds', async () => {
    using bench = new Workbench();
    bench.manifest('a.yaml', `# comment\n---\n${wid('one')}---\n${wid('two')}`);
    bench.manifest('deep/er/b.yml', wid('three'));
    bench.manifest('c.json', JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [parse(wid('four')), { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x' } }] }));
    bench.manifest('default.yaml', 'apiVersion: mtlsd.io/v1alpha1\nkind: WorkloadIdentity\nmetadata: {name: five}\n');
    bench.manifest('.hidden.yaml', wid('hidden'));
    bench.manifest('e.yaml~', wid('backup'));
    bench.manifest('compose.yaml', 'services: {web: {image: x}}\n');
    writeFileSync(join(bench.root, 'elsewhere.yaml'), wid('six'));
    symlinkSync('../elsewhere.yaml', join(bench.manifests, 'link.yaml'));
    symlinkSync('..', join(bench.manifests, 'deep', 'loop'));
    linkSync(join(bench.manifests, 'a.yaml'), join(bench.manifests, 'deep', 'same.yaml'));
    const store = await bench.open();
    for (const name of ['one', 'two', 'three', 'four', 'six']) expect(await ttlOf(store, name)).toBe('1h');
    expect(await store.get(key('five', 'default'))).toBeDefined();
    for (const name of ['hidden', 'backup']) expect(await ttlOf(store, name)).toBeUndefined();
    expect(store.problems()).toEqual([]);
    await store.close();
  });

  test.each([
    ['duplicate keys', `${wid('bad')}  ttl: 2h\n`, 'MANIFEST_SYNTAX', 8],
    ['half a flow map', 'apiVersion: mtlsd.io/v1alpha1\nkind: WorkloadIdentity\nmetadata: {name: ', 'MANIFEST_SYNTAX', undefined],
    ['an anchor bomb', `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n`, 'MANIFEST_SYNTAX', 1],
    ['bytes that are no UTF-8', new Uint8Array([0x61, 0x3a, 0x20, 0xff, 0xfe]), 'MANIFEST_SYNTAX', undefined],
    ['an empty file', '', 'MANIFEST_EMPTY', undefined],
    ['blanks alone', ' \n\n', 'MANIFEST_EMPTY', undefined],
    ['a huge file', `# ${'x'.repeat(1_048_576)}\n`, 'MANIFEST_TOO_LARGE', undefined],
    ['too many documents', '---\n'.repeat(2_000), 'MANIFEST_TOO_LARGE', undefined],
    ['an unknown kind', 'apiVersion: mtlsd.io/v1alpha1\nkind: WorkloadIdentty\nmetadata: {name: a}\n', 'MANIFEST_UNKNOWN', 2],
    ['an unknown version', 'apiVersion: mtlsd.io/v9\nkind: TrustDomain\nmetadata: {name: a}\n', 'MANIFEST_UNKNOWN', 1],
    ['a name that leaves the folder', wid('../../escape'), 'MANIFEST_UNKNOWN', 4],
    ['no name', 'apiVersion: mtlsd.io/v1alpha1\nkind: TrustDomain\nmetadata: {}\n', 'MANIFEST_UNKNOWN', 3],
    ['an unknown field', `${wid('bad')}  tll: 1h\n`, 'MANIFEST_INVALID', 8],
    ['a wrong type', wid('bad', '[1]'), 'MANIFEST_INVALID', 7],
  ])('%s: a problem with its place, and the other files go on', async (_name, text, code, line) => {
    using bench = new Workbench();
    bench.manifest('bad.yaml', text);
    bench.manifest('good.yaml', wid('good'));
    const store = await bench.open();
    const [problem] = store.problems();
    expect(problem?.code).toBe(code);
    expect(problem?.file).toBe('bad.yaml');
    if (line !== undefined) expect(problem?.line).toBe(line);
    expect(problem?.remedy).not.toBe('');
    expect(await ttlOf(store, 'good')).toBe('1h');
    expect(JSON.parse(readFileSync(join(bench.out, 'problems.json'), 'utf8'))).toEqual(store.problems());
    await store.close();
  });

  test('two manifests for one object: both are named, the one seen first stays, also when the other sorts before it', async () => {
    using bench = new Workbench();
    bench.manifest('m.yaml', wid('cart', '1h'));
    const store = await bench.open();
    bench.manifest('a.yaml', `# moved?\n${wid('cart', '2h')}`);
    await until(store, 'both are named', () => codes(store).join() === 'MANIFEST_DUPLICATE,MANIFEST_DUPLICATE');
    expect(store.problems().map(({ file, line, message }) => [file, line, message])).toEqual([
      ['a.yaml', 2, 'WorkloadIdentity shop/cart is described at m.yaml:1 already, which is used; this one is not'],
      ['m.yaml', 1, 'WorkloadIdentity shop/cart is described again at a.yaml:2; this one is used'],
    ]);
    expect(await ttlOf(store, 'cart')).toBe('1h');
    const { uid } = (await store.get(key('cart')))?.metadata ?? {};
    rmSync(join(bench.manifests, 'm.yaml'));
    await until(store, 'the other takes over', async () => (await ttlOf(store, 'cart')) === '2h');
    expect((await store.get(key('cart')))?.metadata.uid).toBe(uid);
    expect(store.problems()).toEqual([]);
    await store.close();
  });
});

describe('a manifest that cannot be used removes nothing', () => {
  test.each([
    ['broken', 'metadata: {name: '],
    ['empty', ''],
    ['without a kind', 'apiVersion: mtlsd.io/v1alpha1\nmetadata: {name: cart}\n'],
    ['with a wrong field', wid('cart', 'soon')],
  ])('%s: the last good version stays, through a restart too, and says so', async (_name, text) => {
    using bench = new Workbench();
    bench.manifest('shop.yaml', wid('cart', '1h'));
    let store = await bench.open();
    const first = await store.get(key('cart'));
    bench.manifest('shop.yaml', text);
    await until(store, 'it is refused', async () => accepted(await store.get(key('cart')))?.status === 'False');
    for (let restart = 0; restart < 2; restart += 1) {
      const kept = await store.get(key('cart'));
      expect(kept?.spec).toEqual(first?.spec);
      expect(kept?.metadata.uid).toBe(first?.metadata.uid);
      expect(kept?.metadata.generation).toBe(1);
      expect(accepted(kept)).toMatchObject({ status: 'False', reason: 'Invalid', message: expect.stringContaining('shop.yaml') as string });
      expect(readFileSync(join(bench.out, 'status', 'WorkloadIdentity', 'shop', 'cart.yaml'), 'utf8')).toContain('type: Accepted');
      expect(store.problems()).toHaveLength(1);
      await store.close();
      store = await bench.open();
    }
    bench.manifest('shop.yaml', wid('cart', '2h'));
    await until(store, 'it is good again', async () => (await ttlOf(store, 'cart')) === '2h');
    expect(accepted(await store.get(key('cart')))).toBeUndefined();
    expect(store.problems()).toEqual([]);
    await store.close();
  });

  test('one wrong object does not hold up the others of its file', async () => {
    using bench = new Workbench();
    bench.manifest('shop.yaml', `${wid('a')}---\n${wid('b')}`);
    const store = await bench.open();
    bench.manifest('shop.yaml', `${wid('a', 'soon')}---\n${wid('b', '2h')}---\n${wid('c')}`);
    await until(store, 'the others go on', async () => (await ttlOf(store, 'c')) === '1h');
    expect([await ttlOf(store, 'a'), await ttlOf(store, 'b')]).toEqual(['1h', '2h']);
    bench.manifest('shop.yaml', `${wid('b', '2h')}---\n${wid('c')}`);
    await until(store, 'what a whole file is silent about goes', async () => (await store.get(key('a'))) === undefined);
    await store.close();
  });

  test('the condition of a refused manifest outlives a status write, and a controller cannot set it', async () => {
    using bench = new Workbench();
    bench.manifest('shop.yaml', wid('cart'));
    const store = await bench.open();
    bench.manifest('shop.yaml', wid('cart', 'soon'));
    await until(store, 'it is refused', async () => accepted(await store.get(key('cart'))) !== undefined);
    const current = await store.get(key('cart'));
    if (current === undefined) throw new Error('it is gone');
    const ready = { type: 'Ready', status: 'True', reason: 'Issued', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' } as const;
    const written = await store.patchStatus(key('cart'), { conditions: [ready] }, precondition(current));
    expect(written.status?.conditions?.map(({ type }) => type)).toEqual(['Ready', 'Accepted']);
    bench.manifest('shop.yaml', wid('cart', '2h'));
    await until(store, 'it is good', async () => accepted(await store.get(key('cart'))) === undefined);
    const good = await store.get(key('cart'));
    if (good === undefined) throw new Error('it is gone');
    const again = await store.patchStatus(key('cart'), { conditions: [ready, { ...ready, type: 'Accepted' }] }, precondition(good));
    expect(again.status?.conditions?.map(({ type }) => type)).toEqual(['Ready']);
    await store.close();
  });

  test('a file that became a loop of links keeps its objects', async () => {
    using bench = new Workbench();
    bench.manifest('shop.yaml', wid('cart'));
    let store = await bench.open();
    rmSync(join(bench.manifests, 'shop.yaml'));
    symlinkSync('shop.yaml', join(bench.manifests, 'shop.yaml'));
    await until(store, 'it is told', () => codes(store).join() === 'MANIFEST_UNREADABLE');
    await store.close();
    store = await bench.open();
    expect(await ttlOf(store, 'cart')).toBe('1h');
    await store.close();
  });

  test('a folder that is missing, or empty as after a lost mount, removes nothing; one that a person emptied does', async () => {
    using bench = new Workbench();
    bench.manifest('shop.yaml', wid('cart'));
    const aside = join(bench.root, 'aside');
    let store = await bench.open();
    renameSync(bench.manifests, aside);
    await until(store, 'it is told', () => codes(store).join() === 'MANIFESTS_UNAVAILABLE');
    expect(await store.serves('WorkloadIdentity')).toBe(false);
    mkdirSync(bench.manifests);
    await until(store, 'empty is told too', () => (store.problems()[0]?.message ?? '').includes('lost mount'));
    expect(await ttlOf(store, 'cart')).toBe('1h');
    await store.close();
    store = await bench.open();
    expect(codes(store)).toEqual(['MANIFESTS_UNAVAILABLE']);
    expect(await ttlOf(store, 'cart')).toBe('1h');
    rmSync(bench.manifests, { recursive: true });
    renameSync(aside, bench.manifests);
    await until(store, 'it is back', () => store.problems().length === 0);
    expect(await store.serves('WorkloadIdentity')).toBe(true);
    rmSync(join(bench.manifests, 'shop.yaml'));
    await until(store, 'a person emptied it', async () => (await store.get(key('cart'))) === undefined);
    await store.close();
  });
});

describe('changes', () => {
  test('are seen without being asked for, whether a file is moved over, written in place, moved or removed', async () => {
    using bench = new Workbench();
    const store = await bench.open();
    bench.manifest('new/folder/shop.yaml', wid('cart'));
    await eventually('it is there', () => ttlOf(store, 'cart'));
    const first = await store.get(key('cart'));
    writeFileSync(join(bench.manifests, '.shop.yaml.swp'), wid('cart', '2h'));
    renameSync(join(bench.manifests, '.shop.yaml.swp'), join(bench.manifests, 'new/folder/shop.yaml'));
    await eventually('moved over', async () => (await ttlOf(store, 'cart')) === '2h' || undefined);
    bench.manifest('new/folder/shop.yaml', wid('cart', '3h'));
    await eventually('in place', async () => (await ttlOf(store, 'cart')) === '3h' || undefined);
    renameSync(join(bench.manifests, 'new/folder/shop.yaml'), join(bench.manifests, 'shop.yaml'));
    await eventually('moved', async () => (await store.get(key('cart')))?.metadata.annotations?.['mtlsd.io/source'] === 'shop.yaml' || undefined);
    expect((await store.get(key('cart')))?.metadata).toMatchObject({ uid: first?.metadata.uid, generation: 3 });
    rmSync(join(bench.manifests, 'shop.yaml'));
    await eventually('removed', async () => (await store.get(key('cart'))) === undefined || undefined);
    await store.close();
  });

  test('a restart keeps uid, generation, creation time and status; what was missed meanwhile is in force at once', async () => {
    using bench = new Workbench();
    bench.manifest('a.yaml', wid('stays'));
    bench.manifest('b.yaml', wid('goes'));
    bench.manifest('c.yaml', wid('changes'));
    let store = await bench.open();
    const stays = await store.get(key('stays'));
    if (stays === undefined) throw new Error('it is not there');
    const patched = await store.patchStatus(key('stays'), { spiffeID: 'spiffe://shop.example/a' }, precondition(stays));
    await store.close();
    expect(await failureCode(store.get(key('stays')))).toBe('STORE_UNAVAILABLE');
    rmSync(join(bench.manifests, 'b.yaml'));
    bench.manifest('c.yaml', wid('changes', '2h'));
    store = await bench.open({ nowMs: () => 1_900_000_000_000 });
    expect(await store.get(key('stays'))).toEqual(patched);
    expect(await store.get(key('goes'))).toBeUndefined();
    expect(await store.get(key('changes'))).toMatchObject({ spec: { ttl: '2h' }, metadata: { generation: 2 } });
    const again = await store.patchStatus(key('stays'), {}, precondition(patched));
    expect(Number(again.metadata.resourceVersion)).toBeGreaterThan(Number(patched.metadata.resourceVersion));
    await store.close();
  });

  test('what comes from a manifest is changed by the manifest alone', async () => {
    using bench = new Workbench();
    bench.manifest('a.yaml', wid('cart'));
    const store = await bench.open();
    const current = await store.get(key('cart'));
    if (current === undefined) throw new Error('it is not there');
    const { status: _none, ...draft } = current;
    expect(await failureCode(store.write({ ...draft, kind: 'WorkloadIdentity' }, precondition(current)))).toBe('STORE_FORBIDDEN');
    expect(await failureCode(store.delete(key('cart'), precondition(current)))).toBe('STORE_FORBIDDEN');
    await store.close();
  });
});
