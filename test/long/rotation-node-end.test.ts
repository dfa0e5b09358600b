/** A root is rotated under pods with pod certificates, to its very end, an hour and more after the switch: `npm run test:long`. */
import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { namespace, paths, trustDomain } from '../cluster/controller-site.ts';
import { Mesh, waitUntil, type PeerPlan } from '../node/mesh.ts';
import { domain, NodeSite, pace, patienceMs } from '../node/node-site.ts';
import { ClusterRotations } from '../rotation-live/cluster-rotations.ts';
import { RequestedRotation } from '../rotation-live/requested-rotation.ts';

const byNode: readonly PeerPlan[] = Array.from({ length: 4 }, (_, index) => ({ namespace: 'south', name: `south-${index}`, image: index % 2 === 0 ? 'go-peer' : 'node-peer', delivery: 'pod-certificate' }));
const bySecret: readonly PeerPlan[] = [{ namespace: 'north', name: 'north-0', image: 'go-peer', delivery: 'secret', ttl: '20m' }];
/** The API takes no pod certificate below an hour; what is reserved for them ends up to twenty minutes later. */
const drainPatienceMs = 90 * 60_000;

/** What a pod shows to whoever calls. */
interface Shown {
  readonly pod: string;
  readonly serial: string;
  readonly notAfterMs: number;
  readonly isOld: boolean;
}

let node: NodeSite;
let mesh: Mesh;

beforeAll(async () => {
  node = await NodeSite.open();
  await node.site.apply(trustDomain(domain, { default: true, rotation: { ...pace.rotation, consumerReload: '5s' } }), namespace('north'), namespace('south'));
  mesh = new Mesh(node);
  await mesh.add(...byNode, ...bySecret);
}, 2 * patienceMs);
afterAll(async () => node?.[Symbol.asyncDispose]());

test('the old root is withdrawn when the last pod certificate of it has ended, and not before; nobody is refused in all that time', { timeout: 3 * drainPatienceMs }, async () => {
  const rotations = new ClusterRotations(node.site);
  const [old = ''] = rootsOf(await bundle());
  const before = await rotations.roots(domain);
  const addresses = new Map(await Promise.all(byNode.map(async ({ name }) => [name, await addressOf(name)] as const)));
  const shown = new Map<string, Shown>();
  const tooEarly: string[] = [];
  const look = async (): Promise<readonly Shown[]> => {
    const now = await Promise.all([...addresses].map(async ([pod, address]) => shownBy(pod, address, old)));
    for (const leaf of now) {
      if (!shown.has(leaf.serial)) console.log(`${new Date().toISOString()} ${leaf.pod} shows ${leaf.serial}, of the ${leaf.isOld ? 'old' : 'new'} root, until ${new Date(leaf.notAfterMs).toISOString()}`);
      shown.set(leaf.serial, leaf);
    }
    const isTrusted = rootsOf(await bundle()).includes(old);
    if (!isTrusted) tooEarly.push(...[...shown.values()].filter(({ isOld, notAfterMs }) => isOld && notAfterMs > Date.now()).map(({ serial }) => serial));
    return now;
  };
  await look();
  const lastOldMs = (): number => Math.max(...[...shown.values()].filter(({ isOld }) => isOld).map(({ notAfterMs }) => notAfterMs));

  const ended = new AbortController();
  const looking = (async () => {
    while (!ended.signal.aborted) {
      await look().catch((error: unknown) => console.log(`a look failed: ${String(error)}`));
      await sleep(10_000, undefined, { signal: ended.signal }).catch(() => undefined);
    }
  })();
  const phases = new Set<string>();
  const rotation = await RequestedRotation.of(rotations, 'end', domain);
  let mixed = 0;
  const phase = await rotation.follow(
    async (place) => {
      console.log(`${new Date().toISOString()} ${place}`);
      const [name = ''] = place.split('/');
      if (!phases.has(name)) await killed();
      phases.add(name);
      await mesh.allWell();
      if (place === 'Drain/Drained') {
        const { until = '' } = (await rotation.status())?.gates?.find(({ name: gate }) => gate === 'Drained') ?? {};
        console.log(`it waits until ${until}; the last leaf of the old root ends at ${new Date(lastOldMs()).toISOString()}`);
        expect(Date.parse(until)).toBeGreaterThanOrEqual(lastOldMs());
        // Halfway through their lives kubelet asks for new ones: then leaves of both roots are in use.
        for (;;) {
          const leaves = await look();
          if (leaves.some(({ isOld }) => isOld) && leaves.some(({ isOld }) => !isOld)) mixed += 1;
          if (leaves.every(({ isOld }) => !isOld)) break;
          await sleep(2_000);
        }
        await killed();
        // It is looked at every ten seconds meanwhile, and no oftener: the machine has others to serve.
        await waitUntil(Date.parse(until) - 20_000);
        expect((await rotation.status())?.phase).toBe('Drain');
        expect(await rotations.roots(domain)).toEqual(expect.arrayContaining([...before]));
      }
      if (place !== 'Retire/Withdrawn') return;
      expect(Date.now()).toBeGreaterThanOrEqual(lastOldMs());
      expect((await look()).filter(({ isOld }) => isOld)).toEqual([]);
    },
    undefined,
    drainPatienceMs,
  );
  ended.abort();
  await looking;
  await mesh.allWell(5);
  console.log(`${new Date().toISOString()} ${phase}: ${mesh.size} pods, ${await mesh.handshakes()} handshakes, ${shown.size} leaves were shown, ${mixed} looks at leaves of both roots`);
  expect(phase).toBe('Complete');
  expect([...phases]).toEqual(expect.arrayContaining(['Distribute', 'Confirm', 'Canary', 'Reissue', 'Drain', 'Retire']));
  expect(tooEarly).toEqual([]);
  const roots = rootsOf(await bundle());
  expect(roots).toHaveLength(1);
  expect(roots).not.toContain(old);
  expect(before).not.toContain((await rotations.roots(domain))[0]);
});

async function killed(): Promise<void> {
  await node.controller.kill();
  await node.startController();
}

async function bundle(): Promise<string> {
  return String((await node.site.see(paths.clusterTrustBundle(domain))).spec?.['trustBundle']);
}

function rootsOf(pem: string): readonly string[] {
  return (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/gu) ?? []).map((text) => new X509Certificate(text).toString());
}

async function addressOf(name: string): Promise<string> {
  return String((await node.site.see(`/api/v1/namespaces/south/pods/${name}`)).status?.['podIP']);
}

/** A server shows its certificates before it asks for ours. @param old the root whose leaves are told from others */
async function shownBy(pod: string, host: string, old: string): Promise<Shown> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: 8443, minVersion: 'TLSv1.3', rejectUnauthorized: false }, () => {
      const leaf = socket.getPeerX509Certificate();
      const issuer = leaf?.issuerCertificate;
      socket.destroy();
      if (leaf === undefined || issuer === undefined) return reject(new Error(`${pod} shows no chain`));
      resolve({ pod, serial: leaf.serialNumber, notAfterMs: Date.parse(leaf.validTo), isOld: issuer.verify(new X509Certificate(old).publicKey) });
    });
    socket.on('error', reject);
  });
}
