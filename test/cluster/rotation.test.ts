/** Authorities are rotated on a real API server while the controller is killed at every phase: nobody refuses anybody. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { refusal } from '../controllers/ca-rotation/fleet.ts';
import { fileOf, identity, isReady, messageOf, namespace, paths, serviceAccount, Site, trustDomain, type Live } from './controller-site.ts';
import { ControllerProcess } from './controller-process.ts';

const rotationPath = (name: string): string => `/apis/mtlsd.io/v1alpha1/carotations/${name}`;
/** Rotations that wait for a person, each in another phase: there the controller is killed, once for all of them. */
const waiting = { distribute: 'Written', confirm: 'Loaded', canary: 'Canary', reissue: 'Reissued', drain: 'Drained', retire: 'Withdrawn' } as const;
type Waiting = keyof typeof waiting;
const waitingCases = Object.keys(waiting) as readonly Waiting[];
/** One trust domain, namespace and rotation for each case, all under way at once. */
const cases = [...waitingCases, 'early', 'late', 'issue', 'urgent'] as const;
type Case = (typeof cases)[number];
const names = ['one', 'two'] as const;

let site: Site;
let controller: ControllerProcess;

interface Authority {
  readonly keyIdentifier: string;
  readonly role: 'Root' | 'Issuing';
  readonly state: string;
}

const authoritiesOf = ({ status }: Live): readonly Authority[] => (status?.['authorities'] ?? []) as readonly Authority[];
const active = (object: Live, role: 'Root' | 'Issuing'): string => authoritiesOf(object).find((authority) => authority.role === role && authority.state === 'Active')?.keyIdentifier ?? '';
const phaseIs = (...phases: readonly string[]) => ({ status }: Live): boolean => phases.includes(String(status?.['phase']));

beforeAll(async () => {
  site = await Site.open();
  await site.kubectl(['wait', '--for=condition=Established', 'crd/carotations.mtlsd.io']);
  await site.apply(...cases.flatMap((name) => [namespace(name), ...names.map((each) => serviceAccount(name, each))]));
  const rotation = { propagationBound: '1s', consumerReload: '2s' };
  await site.apply(
    ...cases.map((name) => trustDomain(`${name}.example`, { rotation, bundle: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } } } })),
    ...cases.flatMap((name) => names.map((each) => identity(name, each, { trustDomain: `${name}.example` }))),
  );
  controller = ControllerProcess.start(site.kubeconfig);
  for (const name of cases) for (const each of names) await site.see(paths.identity(name, each), isReady, 100_000);
}, 280_000);
afterAll(async () => {
  await controller?.[Symbol.asyncDispose]();
  await site?.[Symbol.asyncDispose]();
});

/** Looks at every Secret again and again, and judges all leaves of a namespace against all bundles of it. */
class Watcher {
  readonly failures: string[] = [];
  looks = 0;
  #ended = false;
  readonly #running: Promise<void>;

  constructor(namespaces: readonly string[]) {
    this.#running = this.#run(namespaces);
  }

  async end(): Promise<void> {
    this.#ended = true;
    await this.#running;
  }

  async #run(namespaces: readonly string[]): Promise<void> {
    while (!this.#ended) {
      for (const namespace of namespaces) {
        const sides = (await site.list(paths.secrets(namespace))).map((secret) => ({ name: `${namespace}/${secret.metadata.name}`, chainPem: fileOf(secret, 'tls.crt'), caPem: fileOf(secret, 'ca.crt') }));
        for (const holder of sides) {
          for (const verifier of sides) {
            const why = refusal(holder, verifier, Date.now());
            if (why !== undefined) this.failures.push(`${verifier.name} refuses ${holder.name}: ${why}`);
          }
        }
        this.looks += sides.length ** 2;
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

async function rotate(name: Case, spec: object): Promise<string> {
  const domain = await site.see(paths.trustDomain(`${name}.example`), isReady);
  const what = name === 'issue' ? 'Issuing' : 'Root';
  const fromAuthority = active(domain, what);
  await site.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'CARotation', metadata: { name }, spec: { trustDomain: `${name}.example`, what, fromAuthority, ...spec } });
  return fromAuthority;
}

/** Whether a rotation stands at a gate that has all but a person's word. */
const awaits = (gate: string) => (object: Live): boolean => object.status?.['gate'] === gate && messageOf(object, 'Progressing').endsWith(`waits for a person to approve ${gate}`);

/** Merges into the spec of a rotation. */
async function patch(name: Case, spec: object): Promise<void> {
  await site.kubectl(['patch', 'rot', name, '--type=merge', '-p', JSON.stringify({ spec })]);
}

/** SIGKILL, and another process. */
async function killed(): Promise<void> {
  controller.signal('SIGKILL');
  await controller.ended();
  controller = ControllerProcess.start(site.kubeconfig);
}

describe('rotations on a real API server, the controller killed by SIGKILL in every phase', () => {
  const from = new Map<Case, string>();
  let watcher: Watcher;

  test('all begin, and each of these waits in another phase', async () => {
    // An emergency waits for nobody: whoever is late is refused for a while.
    watcher = new Watcher(cases.filter((name) => name !== 'urgent'));
    for (const name of waitingCases) from.set(name, await rotate(name, { approvals: [waiting[name]] }));
    from.set('early', await rotate('early', { approvals: ['Loaded'] }));
    from.set('late', await rotate('late', { approvals: ['Drained'] }));
    from.set('issue', await rotate('issue', {}));
    from.set('urgent', await rotate('urgent', { mode: 'Emergency', confirm: 'urgent.example', distrustAfter: '8s' }));
    for (const name of waitingCases) await site.see(rotationPath(name), awaits(waiting[name]), 120_000);
    await site.see(rotationPath('late'), awaits('Drained'), 120_000);
    const phases = await Promise.all(waitingCases.map(async (name) => (await site.see(rotationPath(name))).status?.['phase']));
    expect(phases).toEqual(['Distribute', 'Confirm', 'Canary', 'Reissue', 'Drain', 'Retire']);
  }, 300_000);

  test('they go on wherever the controller died', async () => {
    await killed();
    for (const name of waitingCases) await patch(name, { approved: [waiting[name]] });
    // Meanwhile two are given up: one before its switch, one after it.
    await patch('early', { abort: true });
    await patch('late', { abort: true, approved: ['Drained'] });
    // And once more, on their way from there.
    await site.see(rotationPath('distribute'), phaseIs('Confirm', 'Canary', 'Switch', 'Reissue', 'Drain', 'Retire', 'Complete'), 120_000);
    await killed();
    for (const name of waitingCases) {
      const done = await site.see(rotationPath(name), phaseIs('Complete'), 120_000);
      expect(done.status?.['gates']).toMatchObject(['Written', 'Delivered', 'Loaded', 'Fetched', 'Canary', 'Acknowledged', 'Reissued', 'Drained', 'Withdrawn'].map((gate) => ({ name: gate, state: 'Passed' })));
      const domain = await site.see(paths.trustDomain(`${name}.example`), (object) => authoritiesOf(object).length === 2);
      expect(active(domain, 'Root')).not.toBe(from.get(name));
      expect(domain.status).toMatchObject({ bundle: { generation: 3 }, signerEpoch: 2 });
      const record = await site.see(paths.record(`${name}.example`));
      expect(Object.keys(record.data ?? {}).filter((file) => file.endsWith('.key')).sort()).toEqual(authoritiesOf(domain).map(({ keyIdentifier }) => `${keyIdentifier}.key`).sort());
    }
  }, 400_000);

  test('one that was given up before its switch leaves everything as it was', async () => {
    await site.see(rotationPath('early'), phaseIs('Aborted'), 120_000);
    const domain = await site.see(paths.trustDomain('early.example'), (object) => authoritiesOf(object).length === 2);
    expect(active(domain, 'Root')).toBe(from.get('early'));
    expect(domain.status).toMatchObject({ signerEpoch: 1 });
  }, 120_000);

  test('one that was given up after it goes backwards, and the old root signs again', async () => {
    const done = await site.see(rotationPath('late'), phaseIs('Aborted'), 120_000);
    expect(done.status).toMatchObject({ direction: 'Back' });
    const domain = await site.see(paths.trustDomain('late.example'), (object) => authoritiesOf(object).filter(({ role }) => role === 'Root').length === 1);
    expect(active(domain, 'Root')).toBe(from.get('late'));
    expect(domain.status).toMatchObject({ signerEpoch: 3 });
  }, 130_000);

  test('an issuing authority is rotated without a change of the bundle', async () => {
    await site.see(rotationPath('issue'), phaseIs('Complete'), 120_000);
    const domain = await site.see(paths.trustDomain('issue.example'), (object) => authoritiesOf(object).length === 2);
    expect(active(domain, 'Issuing')).not.toBe(from.get('issue'));
    expect(domain.status).toMatchObject({ bundle: { generation: 1 }, signerEpoch: 2 });
  }, 120_000);

  test('after an emergency nothing carries the old root', async () => {
    await site.see(rotationPath('urgent'), phaseIs('Complete'), 120_000);
    const domain = await site.see(paths.trustDomain('urgent.example'), (object) => authoritiesOf(object).length === 2);
    expect(active(domain, 'Root')).not.toBe(from.get('urgent'));
    for (const secret of await site.list(paths.secrets('urgent'))) expect(fileOf(secret, 'ca.crt').split('BEGIN CERTIFICATE')).toHaveLength(2);
    const { data } = await site.see(paths.configMap('urgent', 'urgent.example'));
    expect(data?.['ca.crt']?.split('BEGIN CERTIFICATE')).toHaveLength(2);
  }, 120_000);

  test('no identity was ever refused by another, and every one has a certificate of the authority in use', async () => {
    await watcher.end();
    expect(watcher.failures).toEqual([]);
    expect(watcher.looks).toBeGreaterThan(500);
    for (const name of cases) {
      const issuer = String((await site.see(paths.trustDomain(`${name}.example`))).status?.['activeIssuer']);
      for (const each of names) await site.see(paths.identity(name, each), ({ status }) => status?.['issuer'] === issuer);
    }
  }, 120_000);

  test('kubectl get rot tells it in a line each', async () => {
    const lines = (await site.kubectl(['get', 'rot'])).trim().split('\n');
    expect(lines[0]?.split(/\s{2,}/u)).toEqual(['NAME', 'TRUST DOMAIN', 'WHAT', 'PHASE', 'GATE', 'PROGRESS', 'STRAGGLERS', 'REASON', 'AGE']);
    const ends = lines.slice(1).map((line) => line.split(/\s+/u).filter((cell) => /^(?:[a-z]+|Complete|Aborted)$/u.test(cell)).slice(0, 2).join(' '));
    expect(ends).toEqual(cases.map((name) => `${name} ${['early', 'late'].includes(name) ? 'Aborted' : 'Complete'}`).sort());
  });

  test('a manifest that is applied again rotates nothing', async () => {
    await site.kubectl(['delete', 'rot', 'canary']);
    await site.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'CARotation', metadata: { name: 'canary' }, spec: { trustDomain: 'canary.example', what: 'Root', fromAuthority: from.get('canary') } });
    await site.see(rotationPath('canary'), phaseIs('Superseded'));
    await controller.stop();
  });
});
