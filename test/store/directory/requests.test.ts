import { chmodSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { CARotation, ConfigMap, Draft } from '../../../src/resources/index.ts';
import type { DirectoryStore } from '../../../src/store/directory/index.ts';
import { eventually } from '../../contract/store-contract.ts';
import { failureCode, precondition, Workbench } from './workbench.ts';

const rotation = (name: string, spec: object = {}): object => ({
  apiVersion: 'mtlsd.io/v1alpha1',
  kind: 'CARotation',
  metadata: { name },
  spec: { trustDomain: 'shop.example', what: 'Root', fromAuthority: '0011223344', ...spec },
});
const key = (name: string) => ({ kind: 'CARotation', name }) as const;
/** What is there, or a failure of the test. */
function present<T>(object: T | undefined): T {
  if (object === undefined) throw new Error('it is not there');
  return object;
}
const accepted = (object: CARotation | undefined) => object?.status?.conditions?.find(({ type }) => type === 'Accepted');

function ask(bench: Workbench, file: string, content: object | string): void {
  writeFileSync(join(bench.out, 'requests', '.new'), typeof content === 'string' ? content : JSON.stringify(content));
  renameSync(join(bench.out, 'requests', '.new'), join(bench.out, 'requests', file));
}

async function until(store: DirectoryStore, what: string, look: () => Promise<unknown>): Promise<void> {
  await eventually(what, async () => {
    await store.scan();
    return (await look()) || undefined;
  });
}

describe('requests in the output folder', () => {
  test('are objects with a status file, of the owner’s alone', async () => {
    using bench = new Workbench();
    const store = await bench.open();
    expect(statSync(join(bench.out, 'requests')).mode & 0o777).toBe(0o700);
    ask(bench, 'spring.yaml', rotation('spring'));
    await until(store, 'it is seen', async () => store.get(key('spring')));
    const object = present(await store.get(key('spring')));
    await store.patchStatus(key('spring'), { phase: 'Prepare' }, precondition(object));
    expect(parse(readFileSync(join(bench.out, 'status/CARotation/spring.yaml'), 'utf8'))).toMatchObject({ spec: { what: 'Root', mode: 'Graceful' }, status: { phase: 'Prepare' } });
    expect(await store.serves('CARotation')).toBe(true);
    await store.close();
  });

  test('survive a restart with uid and status, and go with their file', async () => {
    using bench = new Workbench();
    const store = await bench.open();
    ask(bench, 'spring.yaml', rotation('spring'));
    await until(store, 'it is seen', async () => store.get(key('spring')));
    const before = present(await store.get(key('spring')));
    await store.patchStatus(key('spring'), { phase: 'Drain' }, precondition(before));
    await store.close();
    chmodSync(join(bench.out, 'requests'), 0o755);
    const again = await bench.open();
    expect(statSync(join(bench.out, 'requests')).mode & 0o777).toBe(0o700);
    expect(await again.get(key('spring'))).toMatchObject({ metadata: { uid: before.metadata.uid }, status: { phase: 'Drain' } });
    rmSync(join(bench.out, 'requests/spring.yaml'));
    await until(again, 'it goes', async () => (await again.get(key('spring'))) === undefined);
    await again.close();
  });

  test('that break a rule are told by file, and change nothing that is under way', async () => {
    using bench = new Workbench();
    const store = await bench.open();
    ask(bench, 'spring.yaml', rotation('spring'));
    await until(store, 'it is seen', async () => store.get(key('spring')));
    ask(bench, 'spring.yaml', rotation('spring', { what: 'Issuing' }));
    await until(store, 'the problem is told', async () => store.problems().length > 0);
    expect(store.problems()[0]).toMatchObject({ file: 'requests/spring.yaml', object: 'CARotation spring', code: 'MANIFEST_INVALID' });
    expect((await store.get(key('spring')))?.spec.what).toBe('Root');
    expect(accepted(await store.get(key('spring')))?.message).toContain('what is rotated cannot be changed');
    ask(bench, 'spring.yaml', rotation('spring', { paused: true }));
    await until(store, 'it is taken', async () => (await store.get(key('spring')))?.spec.paused);
    expect(store.problems()).toEqual([]);
    await store.close();
  });

  test('and manifests do not take each other’s kinds, nor each other’s objects along', async () => {
    using bench = new Workbench();
    const trustDomain = { apiVersion: 'mtlsd.io/v1alpha1', kind: 'TrustDomain', metadata: { name: 'shop.example' }, spec: {} };
    bench.manifest('domain.yaml', JSON.stringify(trustDomain));
    bench.manifest('rotation.yaml', JSON.stringify(rotation('misplaced')));
    const store = await bench.open();
    ask(bench, 'spring.yaml', rotation('spring'));
    ask(bench, 'domain.yaml', { ...trustDomain, metadata: { name: 'other.example' } });
    await until(store, 'both are told', async () => store.problems().length === 2 && store.get(key('spring')));
    expect(store.problems().map(({ file, message }) => `${file}: ${message}`)).toEqual([
      'rotation.yaml: a CARotation is done once, and does not belong among what is to be at all times: put it into requests/ of the output folder, as `mtlsd rotate` does',
      'requests/domain.yaml: a TrustDomain belongs into the folder of manifests: only CARotation can be asked for here',
    ]);
    expect(await store.get({ kind: 'TrustDomain', name: 'shop.example' })).toBeDefined();
    expect(await store.get(key('misplaced'))).toBeUndefined();
    expect(await store.get({ kind: 'TrustDomain', name: 'other.example' })).toBeUndefined();
    rmSync(join(bench.manifests, 'domain.yaml'));
    await until(store, 'the domain goes', async () => (await store.get({ kind: 'TrustDomain', name: 'shop.example' })) === undefined);
    expect(await store.get(key('spring'))).toBeDefined();
    await store.close();
  });

  test('of mtlsd itself, as a schedule makes them, lie there like those of people', async () => {
    using bench = new Workbench();
    const store = await bench.open();
    const draft = { ...rotation('scheduled'), kind: 'CARotation' } as Draft<CARotation> & { readonly kind: 'CARotation' };
    const made = await store.write(draft, 'absent');
    expect(made).toMatchObject({ kind: 'CARotation', metadata: { name: 'scheduled', generation: 1 }, spec: { mode: 'Graceful' } });
    expect(parse(readFileSync(join(bench.out, 'requests/scheduled.yaml'), 'utf8'))).toEqual(draft);
    expect(await failureCode(store.write(draft, 'absent'))).toBe('STORE_ALREADY_EXISTS');
    await store.close();
  });

  test('stay as they are while their folder is missing', async () => {
    using bench = new Workbench();
    const store = await bench.open();
    ask(bench, 'spring.yaml', rotation('spring'));
    await until(store, 'it is seen', async () => store.get(key('spring')));
    renameSync(join(bench.out, 'requests'), join(bench.out, 'elsewhere'));
    await until(store, 'it is told', async () => store.problems().length > 0);
    expect(store.problems()[0]?.message).toMatch(/the folder of requests .* is missing; its 1 objects stay as they are/u);
    renameSync(join(bench.out, 'elsewhere'), join(bench.out, 'requests'));
    await until(store, 'it is well', async () => store.problems().length === 0);
    expect(await store.get(key('spring'))).toBeDefined();
    await store.close();
  });
});

describe('receipts in the output folder', () => {
  test('lie in a folder a trust domain, outside of the bundles', async () => {
    using bench = new Workbench();
    const store = await bench.open();
    const draft = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'mtlsd-system', name: 'mtlsd-receipts-shop.example' }, data: { 'spring.json': '{}\n' } } as const;
    const made = await store.write(draft, 'absent');
    expect(readFileSync(join(bench.out, 'receipts/shop.example/spring.json'), 'utf8')).toBe('{}\n');
    expect(await failureCode(store.write(draft, 'absent'))).toBe('STORE_ALREADY_EXISTS');
    await store.write({ ...draft, data: { ...draft.data, 'autumn.json': '{"a":1}\n' } }, precondition(made));
    await store.close();
    const again = await bench.open();
    const found: ConfigMap = present(await again.get({ kind: 'ConfigMap', namespace: 'mtlsd-system', name: 'mtlsd-receipts-shop.example' }));
    expect(found.data).toEqual({ 'autumn.json': '{"a":1}\n', 'spring.json': '{}\n' });
    await again.delete({ kind: 'ConfigMap', namespace: 'mtlsd-system', name: 'mtlsd-receipts-shop.example' }, precondition(found));
    expect(await again.get({ kind: 'ConfigMap', namespace: 'mtlsd-system', name: 'mtlsd-receipts-shop.example' })).toBeUndefined();
    await again.close();
  });
});
