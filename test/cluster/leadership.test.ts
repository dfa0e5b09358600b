/** Two replicas on a real API server: one signs at a time, whatever happens to it, and the other is there within seconds. */
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { expectValidPair } from './controller-judge.ts';
import { Cable } from './controller-cable.ts';
import { ControllerProcess } from './controller-process.ts';
import { identity, isReady, paths, serialOf, serviceAccount, Site, trustDomain } from './controller-site.ts';
import { writeKubeconfig } from './credentials.ts';

const patience = { timeout: 30_000, interval: 50 };

describe('two replicas', () => {
  let site: Site;
  let leader: ControllerProcess;
  let standby: ControllerProcess;
  let names = 0;
  beforeAll(async () => {
    site = await Site.open();
    await site.addNamespace('shop', ['web']);
    await site.apply(trustDomain('shop.example'));
  });
  afterAll(() => site[Symbol.asyncDispose]());

  beforeEach(async () => {
    leader = ControllerProcess.start(site.kubeconfig);
    await leader.leads();
    standby = ControllerProcess.start(site.kubeconfig);
    await standby.says(/^probes and metrics on/u);
    await issue();
  });
  afterEach(async () => {
    for (const replica of [leader, standby]) await replica[Symbol.asyncDispose]();
    // As the holder would have done it: the next test need not wait for the end of a lease.
    await site.remove(paths.lease);
  });

  /** Has one more identity issued, and returns its serial number. */
  async function issue(): Promise<string> {
    const name = `web-${(names += 1)}`;
    await site.apply(identity('shop', name, { serviceAccountName: 'web' }));
    await site.see(paths.identity('shop', name), isReady, 30_000);
    const secret = await site.see(paths.secret('shop', `${name}-mtls`));
    expectValidPair(secret);
    return serialOf(secret);
  }

  const signedBy = (replica: ControllerProcess): readonly (string | undefined)[] => replica.signed().map(({ serialNumber }) => serialNumber);

  test('the Lease names the leader and the signer epochs that it signs with; both are live and ready, one says that it leads', async () => {
    const lease = await site.see(paths.lease, ({ metadata }) => metadata.annotations?.['mtlsd.io/signer-epochs'] !== '{}');
    expect(lease.metadata.annotations?.['mtlsd.io/signer-epochs']).toBe('{"shop.example":1}');
    expect(lease.spec).toMatchObject({ holderIdentity: leader.log.find(({ msg }) => msg === 'this replica leads')?.['identity'], leaseDurationSeconds: 6 });
    for (const replica of [leader, standby]) {
      expect(await replica.probe('/livez')).toEqual({ code: 200, text: 'ok\n' });
      await vi.waitFor(async () => expect((await replica.probe('/readyz')).code).toBe(200), patience);
    }
    expect([await leader.metric('mtlsd_leader'), await standby.metric('mtlsd_leader')]).toEqual([1, 0]);
    expect(await leader.metric('mtlsd_issuances_total{outcome="issued"}')).toBeGreaterThan(0);
    expect(signedBy(standby)).toEqual([]);
  });

  test('SIGTERM gives the Lease back: the other takes over, and the last one leaves it without a holder', async () => {
    const before = (await site.see(paths.lease)).spec?.['holderIdentity'];
    await leader.stop();
    await site.see(paths.lease, ({ spec }) => spec?.['holderIdentity'] !== before);
    await standby.leads();
    expect(leader.log.at(-1)?.msg).toMatch(/^stopping/u);
    const serial = await issue();
    expect(signedBy(standby)).toEqual([serial]);
    await standby.stop();
    expect((await site.see(paths.lease)).spec?.['holderIdentity'] ?? '').toBe('');
  });

  test('kill -9 of the leader: the other takes over and issues', async () => {
    await leader.kill();
    const serial = await issue();
    expect(signedBy(standby)).toEqual([serial]);
  });

  test('a paused leader is followed, and signs nothing when it wakes up', async () => {
    leader.signal('SIGSTOP');
    await expect(leader.probe('/livez', AbortSignal.timeout(500))).rejects.toThrow(/timeout/u);
    const atPause = signedBy(leader).length;
    const serials = [await issue()];
    // Work for it that waits in its sockets: an edit, a deleted Secret, a new object.
    await site.kubectl(['patch', 'wid', `web-${names}`, '-n', 'shop', '--type=merge', '-p', '{"spec":{"dnsNames":["web.shop.svc"]}}']);
    await site.see(paths.identity('shop', `web-${names}`), ({ status }) => status?.['issuances'] === 2);
    leader.signal('SIGCONT');
    await leader.says(/^this replica leads no more/u);
    for (let n = 0; n < 5; n += 1) serials.push(await issue());
    expect(signedBy(leader)).toHaveLength(atPause);
    expect(signedBy(standby)).toEqual(expect.arrayContaining(serials));
    expect(await leader.metric('mtlsd_leader')).toBe(0);
    expect((await leader.probe('/livez')).code).toBe(200);
  });
});

describe('a replica behind a cable', () => {
  let site: Site;
  beforeAll(async () => {
    site = await Site.open();
    await site.addNamespace('shop', ['web']);
    await site.apply(trustDomain('shop.example'));
  });
  afterAll(() => site[Symbol.asyncDispose]());

  test('that is cut stops before the other begins, and stands by when it is joined again', async () => {
    await using cable = await Cable.lay(site.cluster.server);
    const kubeconfig = join(site.folder, 'behind-cable');
    await writeKubeconfig(kubeconfig, { server: cable.server, caFile: site.cluster.caFile, token: await site.token('mtlsd') });
    await using lonely = ControllerProcess.start(kubeconfig);
    await lonely.leads();
    await using other = ControllerProcess.start(site.kubeconfig);
    await site.apply(identity('shop', 'web'));
    await site.see(paths.identity('shop', 'web'), isReady);
    expect(lonely.signed()).toHaveLength(1);
    cable.cut();
    const ended = await lonely.says(/^this replica leads no more|^the lease was not renewed/u);
    await other.leads();
    const began = other.log.find(({ msg }) => msg === 'this replica leads');
    expect(Date.parse(began?.time ?? '')).toBeGreaterThan(Date.parse(ended.time) - 6_000);
    await vi.waitFor(async () => expect(await lonely.metric('mtlsd_leader')).toBe(0), patience);
    await site.apply(serviceAccount('shop', 'cart'), identity('shop', 'cart'));
    await site.see(paths.identity('shop', 'cart'), isReady);
    cable.join();
    await site.apply(serviceAccount('shop', 'pay'), identity('shop', 'pay'));
    await site.see(paths.identity('shop', 'pay'), isReady);
    await vi.waitFor(async () => expect((await lonely.probe('/readyz')).code).toBe(200), patience);
    expect(lonely.signed()).toHaveLength(1);
    expect(other.signed()).toHaveLength(2);
    // And takes over again when it is its turn.
    await other.stop();
    await vi.waitFor(async () => expect(await lonely.metric('mtlsd_leader')).toBe(1), patience);
  });
});
