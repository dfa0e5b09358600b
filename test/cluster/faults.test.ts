/**
 * Watches and calls through a proxy that misbehaves: after each fault the watch shows what the API server has.
 * Truth is what kubectl lists on the API server itself.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Draft } from '../../src/resources/object.ts';
import type { ConfigMap } from '../../src/resources/index.ts';
import { openKubernetesStore, type KubernetesOptions, type KubernetesStore } from '../../src/store/kubernetes/index.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { Mirror } from './faults-mirror.ts';
import { FaultProxy, type LineFault, type Seen } from './faults-proxy.ts';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const quick = { backoff: { firstMs: 20, maxMs: 200 }, idleMs: 2000 };

let cluster: Cluster;
let direct: KubernetesStore;
let proxy: FaultProxy;
let store: KubernetesStore;
let scratch: string;

function open(kubeconfig: string, options: Partial<KubernetesOptions> = {}): KubernetesStore {
  return openKubernetesStore({ kubeconfig, fieldManager: 'mtlsd', log: quiet, random: Math.random, nowMs: Date.now, ...options });
}

async function throughProxy(options: Partial<KubernetesOptions> = {}): Promise<KubernetesStore> {
  return open(await proxy.writeKubeconfig(join(scratch, 'proxy.kubeconfig'), cluster.adminToken), { watch: quick, ...options });
}

const draft = (name: string, value: string): Draft<ConfigMap> & { kind: 'ConfigMap' } => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'faults' }, data: { value } });
const create = (name: string, value = '1'): Promise<ConfigMap> => direct.write<'ConfigMap'>(draft(name, value), 'absent');
const change = (old: ConfigMap, value: string): Promise<ConfigMap> => direct.write<'ConfigMap'>({ ...old, data: { value } }, old.metadata);
const remove = ({ metadata }: ConfigMap): Promise<void> => direct.delete({ kind: 'ConfigMap', namespace: 'faults', name: metadata.name }, metadata);

let round = 0;
/** Creations, changes, deletions, and one name used again: what a busy namespace does. */
async function churn(): Promise<void> {
  round += 1;
  const [a, b, c] = [await create(`a${round}`), await create(`b${round}`), await create(`c${round}`)];
  await change(a, '2');
  await remove(b);
  await remove(c);
  await create(`c${round}`, 'again');
}

const isWatch = (seen: Seen): boolean => seen.query.get('watch') === 'true';
/** Does something to the first `times` lines that `when` picks. */
function onLines(times: number, when: (line: string) => boolean, fault: (line: string) => LineFault): void {
  let left = times;
  proxy.onLine = (line) => {
    if (left === 0 || !when(line)) return undefined;
    left -= 1;
    return fault(line);
  };
}
const isChange = (line: string): boolean => !line.includes('"BOOKMARK"');

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'mtlsd-faults-'));
  cluster = await startCluster();
  direct = open(cluster.kubeconfigPath);
  await cluster.kubectl(['create', 'namespace', 'faults']);
});
afterAll(async () => {
  await direct.close();
  await cluster.stop();
  await rm(scratch, { recursive: true });
});
beforeEach(async () => {
  proxy = await FaultProxy.start(cluster);
  store = await throughProxy();
});
afterEach(async () => {
  await store.close();
  await proxy[Symbol.asyncDispose]();
});

/** A watch that has shown all there is. */
async function settled(): Promise<Mirror> {
  const mirror = new Mirror(store);
  await mirror.converges(cluster);
  return mirror;
}

describe('a watch converges after', () => {
  test.each(['end', 'reset'] as const)('streams that %s again and again, and resumes without a snapshot', async (how) => {
    await using mirror = await settled();
    for (let n = 0; n < 5; n++) {
      proxy.cutStreams(how);
      await churn();
    }
    await mirror.converges(cluster);
    expect(mirror.snapshots).toBe(1);
    expect(proxy.seen.filter((seen) => isWatch(seen) && seen.query.has('resourceVersion')).length).toBeGreaterThan(0);
  });

  test.each(['end', 'reset', 'stall'] as const)('JSON that is cut in the middle of a line, then %s', async (after) => {
    await using mirror = await settled();
    onLines(3, isChange, (line) => ({ send: [line.slice(0, line.length / 2)], after }));
    await churn();
    await mirror.converges(cluster);
    expect(mirror.news).toContain('goes on');
  });

  test.each([
    ['no JSON', '<html>Bad Gateway</html>\n'],
    ['JSON of something else', '{"items":[]}\n'],
    ['an object without identity', '{"type":"ADDED","object":{"metadata":{}}}\n'],
    ['a cut line with its end', '{"type":"MODIFIED","object":{"meta\n'],
  ])('garbage: %s', async (_what, garbage) => {
    await using mirror = await settled();
    onLines(3, isChange, () => ({ send: [garbage] }));
    await churn();
    await mirror.converges(cluster);
    expect(mirror.snapshots).toBeGreaterThan(1);
  });

  test('lines in pieces, byte by byte', async () => {
    onLines(20, () => true, (line) => ({ send: [...line.split(''), '\n'] }));
    await using mirror = await settled();
    await churn();
    await mirror.converges(cluster);
    expect(mirror.news).toEqual([]);
  });

  test.each([410, 500, 502, 503, 504])('%i in answer to watches, storming', async (answer) => {
    await using mirror = await settled();
    let left = 6;
    proxy.onRequest = (seen) => (isWatch(seen) && left-- > 0 ? { answer, body: '<html>no</html>' } : undefined);
    proxy.cutStreams('reset');
    await churn();
    await mirror.converges(cluster);
    expect(left).toBeLessThanOrEqual(0);
  });

  test('429 with Retry-After, without asking for a snapshot from a busy server', async () => {
    await using mirror = await settled();
    let left = 2;
    proxy.onRequest = (seen) => (isWatch(seen) && left-- > 0 ? { answer: 429, headers: { 'retry-after': '1' }, body: '{}' } : undefined);
    proxy.cutStreams('reset');
    await churn();
    await mirror.converges(cluster);
    expect(mirror.snapshots).toBe(1);
    expect(mirror.news.some((news) => news.includes('(429)'))).toBe(true);
  });

  test('errors inside the stream: a history that is gone, one that has not happened, a busy server', async () => {
    await using mirror = await settled();
    const errors = [410, 410, 410, 504, 429, 500].map((code) => JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code, message: `told ${code}` } }));
    onLines(errors.length, isChange, () => ({ send: [`${errors.shift() ?? ''}\n`], after: 'end' }));
    for (let n = 0; n < 3; n++) await churn();
    await mirror.converges(cluster);
  });

  test('a history that is gone for good: every attempt to resume is told so inside the stream', async () => {
    await using mirror = await settled();
    const gone = JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' } });
    proxy.onRequest = (seen) => (isWatch(seen) && seen.query.has('resourceVersion') ? { answer: 200, body: `${gone}\n` } : undefined);
    for (let n = 0; n < 3; n++) {
      proxy.cutStreams('reset');
      await churn();
      await mirror.converges(cluster);
    }
  });

  test('silence: the stream stays open and says nothing more', async () => {
    await using mirror = await settled();
    onLines(1, isChange, () => ({ send: [], after: 'stall' }));
    await churn();
    await mirror.converges(cluster);
    expect(mirror.news.join()).toContain('UND_ERR_BODY_TIMEOUT');
  });

  test('lines that come late', async () => {
    await using mirror = await settled();
    onLines(10, isChange, (line) => ({ send: [`${line}\n`], delayMs: 150 }));
    await churn();
    await mirror.converges(cluster);
    expect(mirror.news).toEqual([]);
  });

  test('events that are sent twice, and old ones that are sent again later', async () => {
    await using mirror = await settled();
    const history: string[] = [];
    onLines(50, isChange, (line) => {
      history.push(`${line}\n`);
      return { send: [`${line}\n`, `${line}\n`, history[0] ?? ''] };
    });
    await churn();
    await mirror.converges(cluster);
    proxy.onLine = () => undefined;
    await churn();
    await mirror.converges(cluster);
  });

  test('events that never come, at the snapshot that comes now and then', async () => {
    await store.close();
    store = await throughProxy({ watch: { ...quick, streamSecondsMin: 1, streamSecondsMax: 1, snapshotEveryMs: 500 } });
    await using mirror = await settled();
    onLines(4, isChange, () => ({ send: [] }));
    await churn();
    await mirror.converges(cluster);
    expect(mirror.news).toEqual([]);
  });

  test('snapshots that lack their end mark: it reads page by page', async () => {
    proxy.onLine = (line) => (line.includes('initial-events-end') ? { send: [], after: 'end' } : undefined);
    await using mirror = await settled();
    await churn();
    await mirror.converges(cluster);
    expect(proxy.seen.some((seen) => seen.query.has('limit'))).toBe(true);
  });

  test('an object whose line is longer than the bound', async () => {
    await store.close();
    store = await throughProxy({ watch: { ...quick, lineBytesMax: 64 * 1024 } });
    await using mirror = await settled();
    const large = await create(`large${round}`, 'x'.repeat(100_000));
    await churn();
    await mirror.converges(cluster);
    await remove(large);
  });

  test('connections that are refused, reset and never answered', async () => {
    await store.close();
    store = await throughProxy({ callTimeoutMs: 700, watch: quick });
    await using mirror = await settled();
    const faults = ['reset', 'hang', 'reset', 'hang'] as const;
    let next = 0;
    proxy.onRequest = () => faults[next++];
    proxy.cutStreams('reset');
    await churn();
    await mirror.converges(cluster);
    expect(next).toBeGreaterThanOrEqual(faults.length);
  });

  test('history that is compacted between two pages of a list', async () => {
    await store.close();
    store = await throughProxy({ watch: { ...quick, pageSize: 2 } });
    let compacted: Promise<void> | undefined;
    proxy.onRequest = (seen) => {
      if (seen.query.has('sendInitialEvents')) return { answer: 422, body: JSON.stringify({ kind: 'Status', code: 422, message: 'sendInitialEvents is forbidden' }) };
      if (!seen.query.has('continue') || compacted !== undefined) return undefined;
      compacted = create(`late${round}`).then(() => cluster.compactEtcd());
      return { answer: 410, body: JSON.stringify({ kind: 'Status', code: 410, reason: 'Expired', message: 'the provided continue parameter is too old' }) };
    };
    await using mirror = await settled();
    await compacted;
    await mirror.converges(cluster);
    expect(compacted).toBeDefined();
  });

  test('a handler that fails: it gets a snapshot again', async () => {
    let failures = 3;
    const seen = new Map<string, string>();
    const stop = new AbortController();
    const put = ({ metadata }: ConfigMap): void => {
      if (metadata.name === 'unlucky' && failures-- > 0) throw new Error('a handler with a defect');
      seen.set(metadata.name, metadata.resourceVersion);
    };
    store.watch('ConfigMap', { namespace: 'faults' }, { snapshot: (all) => all.forEach(put), upsert: put, remove: () => undefined }, stop.signal);
    const unlucky = await create('unlucky');
    await vi.waitFor(() => expect(seen.get('unlucky')).toBe(unlucky.metadata.resourceVersion), { timeout: 20_000 });
    const lucky = await create('lucky');
    await vi.waitFor(() => expect(seen.get('lucky')).toBe(lucky.metadata.resourceVersion), { timeout: 20_000 });
    stop.abort();
  });

  test('all of it at once, at random', async () => {
    const random = randomFrom(20_260_131);
    await using mirror = await settled();
    proxy.onRequest = (seen) => (isWatch(seen) && random() < 0.3 ? { answer: [410, 429, 500, 503][Math.floor(random() * 4)] ?? 500, body: '' } : undefined);
    proxy.onLine = (line) => {
      const dice = random();
      if (dice < 0.1) return { send: [line.slice(0, 20)], after: 'reset' };
      if (dice < 0.2) return { send: ['garbage\n'] };
      if (dice < 0.3) return { send: [`${line}\n`, `${line}\n`] };
      return dice < 0.4 ? { send: [`${line}\n`], after: 'end' } : undefined;
    };
    for (let n = 0; n < 20; n++) await churn();
    proxy.onRequest = () => undefined;
    proxy.onLine = () => undefined;
    await mirror.converges(cluster);
  });
});

describe('a call', () => {
  const key = { kind: 'ConfigMap', namespace: 'faults', name: 'called' } as const;
  beforeAll(async () => {
    await create('called');
  });

  test('that reads is tried again on a lost connection', async () => {
    let left = 1;
    proxy.onRequest = () => (left-- > 0 ? 'reset' : undefined);
    expect((await store.get(key))?.metadata.name).toBe('called');
  });

  test('that writes is not: nobody knows whether it happened', async () => {
    proxy.onRequest = (seen) => (seen.method === 'POST' ? 'lose-answer' : undefined);
    await expect(store.write<'ConfigMap'>(draft('lost-answer', '1'), 'absent')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(proxy.seen.filter(({ method }) => method === 'POST')).toHaveLength(1);
    expect((await direct.get({ ...key, name: 'lost-answer' }))?.data).toEqual({ value: '1' });
  });

  test('learns from a busy server when to come again', async () => {
    proxy.onRequest = () => ({ answer: 429, headers: { 'retry-after': '7' }, body: 'too many requests' });
    await expect(store.get(key)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryAfterMs: 7000 });
  });

  test.each([500, 502, 503, 504])('says that a server that answers %i is unavailable', async (answer) => {
    proxy.onRequest = () => ({ answer, body: '<html>' });
    await expect(store.serves('WorkloadIdentity')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expect(store.get(key)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  test('ends when nothing answers', async () => {
    await store.close();
    store = await throughProxy({ callTimeoutMs: 300 });
    proxy.onRequest = () => 'hang';
    await expect(store.get(key)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  test('refuses an answer that is no object', async () => {
    for (const body of ['', '{', '[]', '{"kind":"ConfigMap"}', 'null']) {
      proxy.onRequest = () => ({ answer: 200, body });
      await expect(store.get(key)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    }
  });

  test('shares sixteen connections with all others, whatever the watches take', async () => {
    await using _one = await settled();
    const opened = proxy.connections;
    await Promise.all(Array.from({ length: 400 }, () => store.get(key)));
    expect(proxy.connections - opened).toBeLessThanOrEqual(16);
  });
});

describe('the API server itself', () => {
  test('restarts and is killed: the watch goes on', async ({ skip }) => {
    if (!cluster.owned) skip();
    await using mirror = new Mirror(direct);
    await mirror.converges(cluster);
    await cluster.restartApiServer();
    await churnWhenBack();
    await mirror.converges(cluster);
    await cluster.killApiServer();
    await expect(direct.get({ kind: 'ConfigMap', namespace: 'faults', name: 'called' })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expect(direct.serves('TrustDomain')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await cluster.startApiServer();
    await churnWhenBack();
    await mirror.converges(cluster);
    expect(mirror.news.at(-1)).toBe('goes on');
  });

  test('comes back with an older backup: the watch shows the older state', async ({ skip }) => {
    if (!cluster.owned) skip();
    const backup = join(scratch, 'backup');
    const before = await create('before-backup');
    await cluster.snapshotEtcd(backup);
    await using mirror = new Mirror(direct);
    await change(before, 'changed after the backup');
    const after = await create('after-backup');
    for (let n = 0; n < 40; n++) await churn();
    await mirror.converges(cluster);
    expect(mirror.objects.has(after.metadata.name)).toBe(true);
    await cluster.restoreEtcd(backup);
    await mirror.converges(cluster);
    expect(mirror.objects.has(after.metadata.name)).toBe(false);
    expect(mirror.objects.get('before-backup')?.data).toEqual({ value: '1' });
    await churnWhenBack();
    await mirror.converges(cluster);
  });

  test('comes back with an older backup behind a balancer that hides the outage', async ({ skip }) => {
    if (!cluster.owned) skip();
    await using mirror = await settled();
    const backup = join(scratch, 'hidden-backup');
    await cluster.snapshotEtcd(backup);
    for (let n = 0; n < 40; n++) await churn();
    await mirror.converges(cluster);
    // While the server is away, requests wait instead of failing: the watch cannot see that anything happened.
    const held = holdRequests();
    await cluster.restoreEtcd(backup);
    held.release();
    await mirror.converges(cluster);
  });
});

/** The same numbers in [0, 1) for the same seed: a linear congruential generator is random enough for dice. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The first write to a server that came back may still be refused by its start. */
async function churnWhenBack(): Promise<void> {
  await vi.waitFor(churn, { timeout: 20_000 });
}

function holdRequests(): { release(): void } {
  const gate = Promise.withResolvers<void>();
  proxy.before = () => gate.promise;
  return {
    release: () => {
      proxy.before = async () => undefined;
      gate.resolve();
    },
  };
}
