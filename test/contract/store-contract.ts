import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../src/errors/index.ts';
import { isMtlsdError } from '../../src/errors/index.ts';
import type { ConfigMap, Draft, Secret, TrustDomain, WorkloadIdentity } from '../../src/resources/index.ts';
import { keyOf } from '../../src/store/object-key.ts';
import type { Kinds, ObjectKey, Precondition, Store } from '../../src/store/port.ts';
import { Recorder } from './recorder.ts';

/** What only a user writes: nobody but a person with kubectl or an editor changes their spec. */
type UserKind = 'TrustDomain' | 'WorkloadIdentity';

/** A store with its user's side. Every test makes names of its own: one harness serves all. */
export interface StoreHarness {
  readonly store: Store;
  /** A namespace that exists. */
  readonly namespace: string;
  /** mtlsd's own namespace, which exists: Secrets without an identity live there. */
  readonly systemNamespace: string;
  /** Creates or changes an object as a user does, and resolves when the store shows it. */
  readonly apply: <K extends UserKind>(object: Draft<Kinds[K]> & { readonly kind: K }) => Promise<void>;
  /** Removes an object as a user does; it may take a moment until the store shows that. */
  readonly remove: (key: ObjectKey<UserKind>) => Promise<void>;
  close(): Promise<void>;
}

type OwnKind = 'Secret' | 'ConfigMap';
type OwnDraft = (Draft<Secret> & { readonly kind: 'Secret' }) | (Draft<ConfigMap> & { readonly kind: 'ConfigMap' });

const managed = { 'app.kubernetes.io/managed-by': 'mtlsd' } as const;
const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');

let names = 0;
/** A name that no other test uses, in this run or in another. */
const unique = (prefix: string): string => {
  names += 1;
  return `${prefix}-${process.pid}-${names}`;
};

/** Waits for a condition, however slow the store is. */
export async function eventually<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const end = performance.now() + 15_000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`it never came to this: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function codeOf(call: Promise<unknown>): Promise<ErrorCode | 'none'> {
  try {
    await call;
    return 'none';
  } catch (error) {
    if (isMtlsdError(error)) return error.code;
    throw error;
  }
}

const precondition = ({ metadata }: { readonly metadata: Precondition }): Precondition => ({ uid: metadata.uid, resourceVersion: metadata.resourceVersion });

/** The draft that says the same as a stored object. */
function draftOf<T extends OwnDraft>(draft: T, data: Readonly<Record<string, string>>): T {
  return { ...draft, data };
}

/** What every adapter of the store's port promises. */
export function storeContract(name: string, open: () => Promise<StoreHarness>): void {
  describe(`store contract: ${name}`, () => {
    let harness: StoreHarness;
    beforeAll(async () => {
      harness = await open();
    });
    afterAll(async () => {
      await harness.close();
    });
    const own: readonly (readonly [string, () => OwnDraft])[] = [
      ['a Secret of an identity', () => identitySecret(harness, unique('cart'))],
      ['a Secret of mtlsd itself', () => recordSecret(harness, unique('record'))],
      ['a ConfigMap', () => configMap(harness, unique('bundle'))],
    ];
    describe.each(own)('%s', (_name, draft) => {
      writes(() => harness, draft);
    });
    describe('status', () => {
      statuses(() => harness);
    });
    describe('watch', () => {
      watches(() => harness);
    });
    test('what it stores is there to stay', async () => {
      for (const kind of ['TrustDomain', 'WorkloadIdentity', 'Secret', 'ConfigMap'] as const) expect(await harness.store.serves(kind)).toBe(true);
    });
  });
}

function identitySecret({ namespace }: StoreHarness, name: string): OwnDraft {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    metadata: { namespace, name, labels: managed, annotations: { 'mtlsd.io/identity': name } },
    data: { 'tls.crt': base64('certificate 1'), 'tls.key': base64('key 1') },
  };
}

function recordSecret({ systemNamespace }: StoreHarness, name: string): OwnDraft {
  return { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata: { namespace: systemNamespace, name, labels: managed }, data: { record: base64('{"epoch":1}') } };
}

function configMap({ namespace }: StoreHarness, name: string): OwnDraft {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name, labels: managed }, data: { 'ca.crt': 'root 1' } };
}

function writes(get: () => StoreHarness, make: () => OwnDraft): void {
  const other = (draft: OwnDraft, text: string) => draftOf(draft, { first: draft.kind === 'Secret' ? base64(text) : text, second: draft.kind === 'Secret' ? base64('') : '' });

  test('is created whole and read back as it was written, frozen', async () => {
    const { store } = get();
    const draft = make();
    const created = await store.write<OwnKind>(draft, 'absent');
    expect(created).toMatchObject({ ...draft, metadata: draft.metadata });
    expect(created.metadata.uid).not.toBe('');
    expect(created.metadata.resourceVersion).not.toBe('');
    expect(created.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/u);
    const read = await store.get<OwnKind>(keyOf(draft));
    expect(read).toEqual(created);
    for (const part of [read, read?.metadata, read?.metadata.labels, read?.data]) expect(Object.isFrozen(part)).toBe(true);
  });

  test('a creation never adopts what exists', async () => {
    const { store } = get();
    const draft = make();
    const created = await store.write<OwnKind>(draft, 'absent');
    expect(await codeOf(store.write<OwnKind>(draft, 'absent'))).toBe('STORE_ALREADY_EXISTS');
    expect(await codeOf(store.write<OwnKind>(other(draft, 'usurper'), 'absent'))).toBe('STORE_ALREADY_EXISTS');
    expect(await store.get<OwnKind>(keyOf(draft))).toEqual(created);
  });

  test('of many creations at once exactly one wins', async () => {
    const { store } = get();
    const draft = make();
    const codes = await Promise.all(Array.from({ length: 8 }, (_, index) => codeOf(store.write<OwnKind>(other(draft, `writer ${index}`), 'absent'))));
    expect(codes.filter((code) => code === 'none')).toHaveLength(1);
    expect(codes.filter((code) => code === 'STORE_ALREADY_EXISTS')).toHaveLength(7);
  });

  test('a replacement names the state that it replaces', async () => {
    const { store } = get();
    const draft = make();
    const first = await store.write<OwnKind>(draft, 'absent');
    const second = await store.write<OwnKind>(other(draft, 'second'), precondition(first));
    expect(second.metadata.uid).toBe(first.metadata.uid);
    expect(second.metadata.creationTimestamp).toBe(first.metadata.creationTimestamp);
    expect(second.metadata.resourceVersion).not.toBe(first.metadata.resourceVersion);
    expect(second.data).toEqual(other(draft, 'second').data);
    expect(await codeOf(store.write<OwnKind>(other(draft, 'late'), precondition(first)))).toBe('STORE_CONFLICT');
    expect(await codeOf(store.write<OwnKind>(other(draft, 'stranger'), { ...precondition(second), uid: '00000000-0000-4000-8000-000000000000' }))).toBe('STORE_CONFLICT');
    expect(await store.get<OwnKind>(keyOf(draft))).toEqual(second);
  });

  test('of many replacements of one state exactly one wins', async () => {
    const { store } = get();
    const draft = make();
    const first = await store.write<OwnKind>(draft, 'absent');
    const results = await Promise.allSettled(Array.from({ length: 8 }, (_, index) => store.write<OwnKind>(other(draft, `writer ${index}`), precondition(first))));
    const won = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(won).toHaveLength(1);
    expect(await store.get<OwnKind>(keyOf(draft))).toEqual(won[0]);
  });

  test('a replacement that changes nothing keeps the resourceVersion', async () => {
    const { store } = get();
    const draft = make();
    const first = await store.write<OwnKind>(draft, 'absent');
    const again = await store.write<OwnKind>(draft, precondition(first));
    expect(again).toEqual(first);
    expect((await store.get<OwnKind>(keyOf(draft)))?.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  });

  test('labels and annotations are replaced with the rest', async () => {
    const { store } = get();
    const draft = make();
    const first = await store.write<OwnKind>({ ...draft, metadata: { ...draft.metadata, labels: { ...draft.metadata.labels, colour: 'red' } } }, 'absent');
    const second = await store.write<OwnKind>(draft, precondition(first));
    expect(second.metadata.labels).toEqual(draft.metadata.labels);
    expect(second.metadata.resourceVersion).not.toBe(first.metadata.resourceVersion);
  });

  test('what is not there cannot be replaced or deleted', async () => {
    const { store } = get();
    const draft = make();
    const nowhere = { uid: '00000000-0000-4000-8000-000000000000', resourceVersion: '1' };
    expect(await store.get<OwnKind>(keyOf(draft))).toBeUndefined();
    expect(await codeOf(store.write<OwnKind>(draft, nowhere))).toBe('STORE_NOT_FOUND');
    expect(await codeOf(store.delete(keyOf(draft), nowhere))).toBe('STORE_NOT_FOUND');
  });

  test('a deletion hits exactly the state that it names; another object of the name is another', async () => {
    const { store } = get();
    const draft = make();
    const first = await store.write<OwnKind>(draft, 'absent');
    const second = await store.write<OwnKind>(other(draft, 'second'), precondition(first));
    expect(await codeOf(store.delete(keyOf(draft), precondition(first)))).toBe('STORE_CONFLICT');
    expect(await store.get<OwnKind>(keyOf(draft))).toEqual(second);
    await store.delete(keyOf(draft), precondition(second));
    expect(await store.get<OwnKind>(keyOf(draft))).toBeUndefined();
    const reborn = await store.write<OwnKind>(draft, 'absent');
    expect(reborn.metadata.uid).not.toBe(first.metadata.uid);
    expect(await codeOf(store.delete(keyOf(draft), precondition(second)))).toBe('STORE_CONFLICT');
    expect(await codeOf(store.write<OwnKind>(draft, precondition(second)))).toBe('STORE_CONFLICT');
    expect(await store.get<OwnKind>(keyOf(draft))).toEqual(reborn);
  });

  test.each(['../escape', 'a/b', '..', ''])('the data key "%s" is refused', async (key) => {
    const { store } = get();
    const draft = make();
    expect(await codeOf(store.write<OwnKind>(draftOf(draft, { [key]: '' }), 'absent'))).toBe('STORE_INVALID');
    expect(await store.get<OwnKind>(keyOf(draft))).toBeUndefined();
  });
}

function trustDomain(name: string): Draft<TrustDomain> & { readonly kind: 'TrustDomain' } {
  return { apiVersion: 'mtlsd.io/v1alpha1', kind: 'TrustDomain', metadata: { name }, spec: {} } as unknown as Draft<TrustDomain> & { readonly kind: 'TrustDomain' };
}

function workloadIdentity(namespace: string, name: string, spec: object = { ttl: '1h' }): Draft<WorkloadIdentity> & { readonly kind: 'WorkloadIdentity' } {
  return { apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata: { namespace, name }, spec } as unknown as Draft<WorkloadIdentity> & { readonly kind: 'WorkloadIdentity' };
}

async function present<K extends UserKind>(store: Store, key: ObjectKey<K>): Promise<Kinds[K]> {
  return eventually(`${key.name} is there`, () => store.get(key));
}

const ready = (message: string) => ({ observedGeneration: 1, conditions: [{ type: 'Ready', status: 'True', reason: 'Issued', message, lastTransitionTime: '2026-01-01T00:00:00Z' } as const] });

function statuses(get: () => StoreHarness): void {
  test('a status is written beside the spec and changes neither spec nor generation', async () => {
    const { store, namespace, apply } = get();
    for (const draft of [trustDomain(`${unique('td')}.example`), workloadIdentity(namespace, unique('wid'))]) {
      await apply<UserKind>(draft);
      const key: ObjectKey<UserKind> = keyOf(draft);
      const before = await present(store, key);
      const after = await store.patchStatus(key, ready('one'), precondition(before));
      expect(after.status).toMatchObject(ready('one'));
      expect({ ...after, status: undefined, metadata: undefined }).toEqual({ ...before, status: undefined, metadata: undefined });
      expect(after.metadata).toEqual({ ...before.metadata, resourceVersion: after.metadata.resourceVersion });
      expect(after.metadata.resourceVersion).not.toBe(before.metadata.resourceVersion);
      expect(await store.get(key)).toEqual(after);
      expect(Object.isFrozen(after.status)).toBe(true);
    }
  });

  test('the same status again keeps the resourceVersion; another replaces it', async () => {
    const { store, namespace, apply } = get();
    const draft = workloadIdentity(namespace, unique('wid'));
    await apply(draft);
    const key = keyOf(draft);
    const first = await store.patchStatus(key, { ...ready('one'), spiffeID: 'spiffe://a.example/b' }, precondition(await present(store, key)));
    const again = await store.patchStatus(key, { ...ready('one'), spiffeID: 'spiffe://a.example/b' }, precondition(first));
    expect(again.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    const second = await store.patchStatus(key, ready('two'), precondition(first));
    expect(second.status?.spiffeID).toBeUndefined();
    expect(await codeOf(store.patchStatus(key, ready('late'), precondition(first)))).toBe('STORE_CONFLICT');
    expect((await store.get(key))?.status).toMatchObject(ready('two'));
  });

  test('a user changes the spec and never the status; the generation counts specs alone', async () => {
    const { store, namespace, apply } = get();
    const name = unique('wid');
    await apply(workloadIdentity(namespace, name));
    const key: ObjectKey<'WorkloadIdentity'> = { kind: 'WorkloadIdentity', namespace, name };
    const first = await store.patchStatus(key, ready('kept'), precondition(await present(store, key)));
    expect(first.metadata.generation).toBe(1);
    await apply({ ...workloadIdentity(namespace, name, { ttl: '2h' }), status: { spiffeID: 'spiffe://forged.example/a' } } as never);
    const second = await eventually('generation 2', async () => store.get(key).then((object) => (object?.metadata.generation === 2 ? object : undefined)));
    expect(second.spec.ttl).toBe('2h');
    expect(second.status).toMatchObject(ready('kept'));
    expect(second.status?.spiffeID).toBeUndefined();
    expect(second.metadata.uid).toBe(first.metadata.uid);
    expect(await codeOf(store.patchStatus(key, ready('late'), precondition(first)))).toBe('STORE_CONFLICT');
    const draft = workloadIdentity(namespace, name, { ttl: '2h' });
    await apply({ ...draft, metadata: { ...draft.metadata, labels: { colour: 'red' } } });
    const third = await eventually('the label', async () => store.get(key).then((object) => (object?.metadata.labels?.['colour'] === 'red' ? object : undefined)));
    expect(third.metadata.generation).toBe(2);
  });

  test('an object that is removed and made again is another one, without a status', async () => {
    const { store, namespace, apply, remove } = get();
    const draft = workloadIdentity(namespace, unique('wid'));
    await apply(draft);
    const key = keyOf(draft);
    const first = await store.patchStatus(key, ready('old'), precondition(await present(store, key)));
    await remove(key);
    await eventually('it is gone', async () => ((await store.get(key)) === undefined ? true : undefined));
    expect(await codeOf(store.patchStatus(key, ready('late'), precondition(first)))).toBe('STORE_NOT_FOUND');
    await apply(draft);
    const second = await present(store, key);
    expect(second.metadata.uid).not.toBe(first.metadata.uid);
    expect(second.status).toBeUndefined();
    expect(second.metadata.generation).toBe(1);
    expect(await codeOf(store.patchStatus(key, ready('late'), precondition(first)))).toBe('STORE_CONFLICT');
  });
}

function watches(get: () => StoreHarness): void {
  test('a snapshot, then deltas; of Secrets their metadata alone', async () => {
    const { store } = get();
    const labels = { ...managed, test: unique('watch') };
    const labelled = (name: string): OwnDraft => {
      const draft = identitySecret(get(), name);
      return { ...draft, metadata: { ...draft.metadata, labels } };
    };
    const [old, young] = [labelled(unique('old')), labelled(unique('young'))];
    const first = await store.write<OwnKind>(old, 'absent');
    const recorder = new Recorder<'Secret'>();
    using _watch = recorder.watch(store, 'Secret', { labels: { test: labels.test } });
    await eventually('the snapshot', () => recorder.synced || undefined);
    expect(recorder.current()).toEqual([{ apiVersion: 'v1', kind: 'Secret', metadata: first.metadata }]);
    const second = await store.write<OwnKind>(young, 'absent');
    await eventually('the new one', () => recorder.uidOf(young.metadata.name) === second.metadata.uid || undefined);
    const changed = await store.write<OwnKind>(draftOf(young, { a: base64('b') }), precondition(second));
    await eventually('its change', () => recorder.versionOf(young.metadata.name) === changed.metadata.resourceVersion || undefined);
    await store.delete(keyOf(old), precondition(first));
    await eventually('the removal', () => (recorder.uidOf(old.metadata.name) === undefined ? true : undefined));
    expect(recorder.removed.map((object) => object.metadata.uid)).toContain(first.metadata.uid);
    for (const object of recorder.seen) {
      expect(Object.keys(object).sort()).toEqual(['apiVersion', 'kind', 'metadata']);
      expect(Object.isFrozen(object) && Object.isFrozen(object.metadata)).toBe(true);
    }
    expect(recorder.faults).toEqual([]);
  });

  test('sees what has the labels, in the namespace, and nothing else; what loses a label leaves', async () => {
    const { store } = get();
    const test = unique('watch');
    const draft = configMap(get(), unique('bundle'));
    const marked = { ...draft, metadata: { ...draft.metadata, labels: { ...managed, test } } };
    const recorder = new Recorder<'ConfigMap'>();
    using _watch = recorder.watch(store, 'ConfigMap', { namespace: get().namespace, labels: { test } });
    const elsewhere = new Recorder<'ConfigMap'>();
    using _other = elsewhere.watch(store, 'ConfigMap', { namespace: get().systemNamespace, labels: { test } });
    const plain = await store.write<OwnKind>(draft, 'absent');
    const labelled = await store.write<OwnKind>(marked, precondition(plain));
    await eventually('it enters', () => recorder.versionOf(draft.metadata.name) === labelled.metadata.resourceVersion || undefined);
    expect(recorder.seen.map((object) => object.metadata.resourceVersion)).not.toContain(plain.metadata.resourceVersion);
    await store.write<OwnKind>(draft, precondition(labelled));
    await eventually('it leaves', () => (recorder.uidOf(draft.metadata.name) === undefined ? true : undefined));
    expect(elsewhere.seen).toEqual([]);
    expect(recorder.faults).toEqual([]);
  });

  test('after an abort nothing comes any more; an aborted signal starts nothing', async () => {
    const { store } = get();
    const [ended, never, live] = [new Recorder<'ConfigMap'>(), new Recorder<'ConfigMap'>(), new Recorder<'ConfigMap'>()];
    const watch = ended.watch(store, 'ConfigMap', {});
    await eventually('the snapshot', () => ended.synced || undefined);
    watch[Symbol.dispose]();
    store.watch('ConfigMap', {}, never.handler, AbortSignal.abort());
    using _live = live.watch(store, 'ConfigMap', {});
    await eventually('the snapshot', () => live.synced || undefined);
    const calls = ended.calls;
    const draft = configMap(get(), unique('bundle'));
    await store.write<OwnKind>(draft, 'absent');
    await eventually('a living watch hears of it', () => live.uidOf(draft.metadata.name));
    expect(ended.calls).toBe(calls);
    expect(never.calls).toBe(0);
  });

  test('the newest state always arrives, whatever is written meanwhile', async () => {
    const { store } = get();
    const test = unique('storm');
    const drafts = Array.from({ length: 6 }, () => {
      const draft = configMap(get(), unique('storm'));
      return { ...draft, metadata: { ...draft.metadata, labels: { ...managed, test } } };
    });
    const recorders = [new Recorder<'ConfigMap'>(), new Recorder<'ConfigMap'>(), new Recorder<'ConfigMap'>()];
    const storm = Promise.all(drafts.map((draft, index) => churn(store, draft, index)));
    const ends: Disposable[] = [];
    // Watches that start in the middle of it must not miss the end of it.
    for (const recorder of recorders) {
      ends.push(recorder.watch(store, 'ConfigMap', { labels: { test } }));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await storm;
    const truth = (await Promise.all(drafts.map((draft) => store.get<OwnKind>(keyOf(draft))))).filter((object) => object !== undefined);
    for (const recorder of recorders) {
      await eventually('the watch shows what is there', () => {
        const shown = recorder.current().map(({ metadata }) => `${metadata.uid} ${metadata.resourceVersion}`);
        return shown.toSorted().join() === truth.map(({ metadata }) => `${metadata.uid} ${metadata.resourceVersion}`).toSorted().join() || undefined;
      });
      expect(recorder.faults).toEqual([]);
    }
    for (const end of ends) end[Symbol.dispose]();
  });

  test('a user\'s object comes and goes, with its uid', async () => {
    const { store, namespace, apply, remove } = get();
    const draft = workloadIdentity(namespace, unique('wid'));
    const recorder = new Recorder<'WorkloadIdentity'>();
    using _watch = recorder.watch(store, 'WorkloadIdentity', { namespace });
    await apply(draft);
    const first = await eventually('it comes', () => recorder.uidOf(draft.metadata.name));
    await remove(keyOf(draft));
    await eventually('it goes', () => (recorder.uidOf(draft.metadata.name) === undefined ? true : undefined));
    expect(recorder.removed.map((object) => object.metadata.uid)).toContain(first);
    await apply(draft);
    expect(await eventually('another comes', () => recorder.uidOf(draft.metadata.name))).not.toBe(first);
    expect(recorder.faults).toEqual([]);
  });
}

/** Rewrites one object as fast as the store allows; every third time it is deleted and made anew. */
async function churn(store: Store, draft: OwnDraft, seed: number): Promise<void> {
  let current: Kinds[OwnKind] | undefined;
  for (let round = 0; round < 12; round += 1) {
    const next = draftOf(draft, { round: String(round) });
    if (current !== undefined && (round + seed) % 3 === 0) {
      await store.delete(keyOf(draft), precondition(current));
      current = undefined;
    }
    current = await store.write<OwnKind>(next, current === undefined ? 'absent' : precondition(current));
  }
  if (seed === 0 && current !== undefined) await store.delete(keyOf(draft), precondition(current));
}
