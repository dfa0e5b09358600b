import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { RotationFolder } from '../../src/app/rotation/folder.ts';
import { captured, type Captured } from './captured.ts';
import { OutFolder, withTaker } from './rotate-folder.ts';
import { gate, identityFixture, rotation, standingStill, trustDomainFixture } from './rotate-samples.ts';

const spring = 'shop.example-root-96ae2faa';

describe('mtlsd rotate root', () => {
  test('asks for a rotation from the authority that is active, and tells how to go on', async () => {
    using out = new OutFolder();
    const { stdout, status, error } = await withTaker(out, 'rotate', 'root', '--approve', 'canary', '--approve', 'Drained', '--pace', '20/s', '--exempt', 'pod/shop/till-0', '--exempt', 'Node/worker', '--reason', 'old', '--until', '24h');
    expect({ status, error }).toEqual({ status: 0, error: undefined });
    expect(stdout).toContain(`CARotation ${spring} was taken: root 96ae2faa of shop.example is being rotated\n  mtlsd rotate wait ${spring} --out ${out.path}`);
    expect(out.specOf(spring)).toEqual({
      trustDomain: 'shop.example',
      what: 'Root',
      fromAuthority: '96ae2faa00112233445566778899aabbccddeeff',
      mode: 'Graceful',
      approvals: ['Canary', 'Drained'],
      pace: 20,
      exemptions: [
        { kind: 'Pod', namespace: 'shop', name: 'till-0', reason: 'old', until: '2026-03-02T09:01:15Z' },
        { kind: 'Node', name: 'worker', reason: 'old', until: '2026-03-02T09:01:15Z' },
      ],
    });
    expect(statSync(join(out.path, 'requests', `${spring}.yaml`)).mode & 0o777).toBe(0o600);
    expect(out.requests).toEqual([`${spring}.yaml`]);
  });

  test('takes another name after one that was aborted, and refuses a second rotation beside one that is under way', async () => {
    using out = new OutFolder();
    out.put(trustDomainFixture());
    out.put(rotation({ phase: 'Aborted' }, {}, spring));
    expect((await withTaker(out, 'rotate', 'root')).stdout).toContain(`CARotation ${spring}-2 was taken`);
    const second = await withTaker(out, 'rotate', 'issuing');
    expect(second.error).toContain(`ROTATION_NOT_POSSIBLE: CARotation ${spring}-2 of shop.example is under way (not begun), and there is one at a time`);
    expect((await captured(['rotate', 'root', '--name', spring, '--out', out.path])).error).toContain('ROTATION_NOT_POSSIBLE');
    rmSync(join(out.path, 'requests', `${spring}-2.yaml`));
    rmSync(join(out.path, 'status/CARotation', `${spring}-2.yaml`));
    expect((await captured(['rotate', 'root', '--name', spring, '--out', out.path])).error).toContain(`STORE_ALREADY_EXISTS: CARotation ${spring} exists`);
  });

  test('withdraws what nobody takes, so that it does not begin by surprise', async () => {
    using out = new OutFolder();
    const { apiVersion, metadata, spec } = rotation();
    const asked = new RotationFolder(out.path, '', 300).create({ apiVersion, kind: 'CARotation', metadata: { name: metadata.name }, spec });
    await expect(asked).rejects.toThrow(`CARotation spring was withdrawn: no mtlsd took it. Is \`mtlsd run … --out ${out.path}\` running?`);
    expect(out.requests).toEqual([]);
  });

  test('says what mtlsd says of a request that it refuses', async () => {
    using out = new OutFolder();
    const problem = { code: 'MANIFEST_INVALID', file: `requests/${spring}.yaml`, line: 1, object: `CARotation ${spring}`, message: 'spec.trustDomain: Invalid value', remedy: 'Correct it.' };
    writeFileSync(join(out.path, 'problems.json'), JSON.stringify([problem]));
    expect((await captured(['rotate', 'root', '--out', out.path])).error).toContain('spec.trustDomain: Invalid value');
  });

  test.each([
    ['a folder without output', ['--out', '/nowhere'], 'OUTPUT_NOT_FOUND'],
    ['both places', ['--context', 'x'], 'CONFIGURATION_INVALID: --out names a folder'],
    ['another trust domain', ['--trust-domain', 'bank.example'], 'ROTATION_NOT_POSSIBLE: there is no TrustDomain bank.example; there is shop.example'],
    ['an exemption without a reason', ['--exempt', 'Pod/shop/x'], 'CONFIGURATION_INVALID: an exemption needs --reason and --until'],
    ['a reason without an exemption', ['--reason', 'x'], 'CONFIGURATION_INVALID: --reason and --until belong to --exempt'],
    ['the same when it only looks ahead', ['--dry-run', '--reason', 'x'], 'CONFIGURATION_INVALID: --reason and --until belong to --exempt'],
    ['a time that is none', ['--exempt', 'Pod/shop/x', '--reason', 'x', '--until', 'tomorrow'], 'CONFIGURATION_INVALID: --until tomorrow is no time'],
    ['--confirm alone', ['--confirm', 'shop.example'], 'CONFIGURATION_INVALID: --confirm belongs to --emergency'],
    ['--distrust-after alone', ['--distrust-after', '5m'], 'CONFIGURATION_INVALID: --distrust-after belongs to --emergency'],
    ['--stolen alone', ['--stolen', '96ae2faa'], 'CONFIGURATION_INVALID: --stolen belongs to --emergency'],
    ['a dry run that is waited for', ['--dry-run', '--wait'], 'CONFIGURATION_INVALID: --dry-run does nothing'],
    ['a name that no object can have', ['--name', 'No Name'], 'CONFIGURATION_INVALID: metadata.name'],
    ['an unknown gate', ['--approve', 'Gate'], 'commander.invalidArgument'],
    ['an unknown kind', ['--exempt', 'Table/x'], 'commander.invalidArgument'],
    ['no pace', ['--pace', '0'], 'commander.invalidArgument'],
  ])('refuses %s', async (_, args, error) => {
    using out = new OutFolder();
    const place = args.includes('--out') ? [] : ['--out', out.path];
    expect((await captured(['rotate', 'root', ...args, ...place])).error).toContain(error);
    expect(out.requests).toEqual([]);
  });

  test('asks which of several trust domains is meant', async () => {
    using out = new OutFolder(trustDomainFixture('a.example'), trustDomainFixture('b.example'));
    expect((await captured(['rotate', 'root', '--out', out.path])).error).toContain('name one by --trust-domain (a.example, b.example)');
  });
});

describe('mtlsd rotate root --dry-run', () => {
  test('tells what is done, how long it takes and who may hold it up, and writes nothing', async () => {
    using out = new OutFolder(trustDomainFixture(), identityFixture('cart'), identityFixture('pay', { conditions: [{ type: 'Ready', status: 'False', reason: 'Conflict', message: 'the Secret is not ours', lastTransitionTime: '2026-01-01T00:00:00Z' }] }));
    const { stdout, status } = await captured(['rotate', 'root', '--dry-run', '--out', out.path]);
    expect(status).toBe(0);
    expect(stdout).toContain('Rotation of the root of shop.example (96ae2faa)\n\nIt can begin.');
    expect(stdout).toMatch(/certificates issued again {2}2\n {2}bundles written {12}4/u);
    expect(stdout).toContain('until consumers have loaded it: rotation.consumerReload');
    expect(stdout).toContain('Who may hold it up: 1\n  WorkloadIdentity shop/pay: the Secret is not ours');
    expect(out.requests).toEqual([]);
  });

  test('counts on the longest life of an identity where nobody promised that consumers reload', async () => {
    using out = new OutFolder(trustDomainFixture('shop.example', {}), identityFixture('cart', { notBefore: '2026-03-01T08:59:00Z', notAfter: '2026-03-01T12:00:00Z' }));
    const { stdout } = await captured(['rotate', 'root', '--dry-run', '--output', 'json', '--out', out.path]);
    const { steps } = JSON.parse(stdout) as { steps: { phase: string; seconds: number }[] };
    expect(steps.filter(({ seconds }) => seconds === 3 * 3600).map(({ phase }) => phase)).toEqual(['Confirm', 'Drain']);
  });

  test('says why it cannot begin', async () => {
    using out = new OutFolder(trustDomainFixture('shop.example', {}, false), rotation());
    const { stdout, status } = await captured(['rotate', 'root', '--dry-run', '--out', out.path]);
    expect(status).toBe(1);
    expect(stdout).toContain('It cannot begin:\n  ✗ TrustDomain shop.example is not ready: its root has expired\n  ✗ CARotation spring is under way (Confirm): one at a time');
  });

  test('of an emergency names who may break, by the time that is given', async () => {
    using out = new OutFolder(trustDomainFixture(), identityFixture('cart'), identityFixture('pay'));
    const late = await captured(['rotate', 'root', '--dry-run', '--emergency', '--distrust-after', '3s', '--out', out.path]);
    expect(late.stdout).toContain('Who may break in shop.example: 2\n  WorkloadIdentity shop/cart: may have its old certificate and the old bundle in use until 7 s after the switch');
    const early = await captured(['rotate', 'root', '--dry-run', '--emergency', '--distrust-after', '1m', '--out', out.path]);
    expect(early.stdout).toContain('Who breaks: nobody that is known.');
    // The drill measures: here files, and certificates of an authority that is thrown away.
    expect(early.stdout).toMatch(/Switch +\d+s +measured .*\n.*Reissue +\d+s +measured .*\n.*Drain +\d+s +bounded /u);
    expect(early.stdout).toMatch(/to distrust {3}1m 0\d+s/u);
    expect(early.stdout).toMatch(/Retire +\d+s +measured +the old root is taken out of 2 bundles\n {2}Confirm +\d+s +bounded .*\n {2}Confirm +\d+s +bounded .*\n {2}by everybody/u);
    expect(early.stdout).toMatch(/writes +\d+ a second +seen after 0 ms \(100 writes: files in .*, removed again\)\n {2}certificates +\d+ a second +with their keys, on this machine \(\d+ of an authority that is thrown away\)/u);
    expect(readdirSync(out.path).filter((name) => name.startsWith('.drill'))).toEqual([]);
  });
});

const receipt = { configMap: 'mtlsd-receipts-shop.example', key: 'spring.json' };

describe('mtlsd rotate wait', () => {
  const waitFor = async (object: ReturnType<typeof rotation>, ...args: readonly string[]): Promise<Captured> => {
    using out = new OutFolder(trustDomainFixture(), object);
    return await captured(['rotate', 'wait', ...args, '--out', out.path]);
  };

  test('ends with 0 when it is complete, and tells how long it took', async () => {
    const { stdout, status } = await waitFor(rotation({ phase: 'Complete', startedAt: '2026-03-01T09:00:00Z', finishedAt: '2026-03-01T09:03:20Z', reissued: 1000, receipt, conditions: [{ type: 'Complete', status: 'True', reason: 'Complete', message: 'the old root is gone', lastTransitionTime: '2026-03-01T09:03:20Z' }] }), 'spring');
    expect(status).toBe(0);
    expect(stdout).toContain('CARotation spring: Complete: the old root is gone\n  took 3m 20s; 1000 certificates were issued again\n  mtlsd rotate receipt spring --out');
  });

  test.each(['Aborted', 'Superseded'] as const)('ends with 1 when it is %s', async (phase) => {
    expect((await waitFor(rotation({ phase, conditions: [], receipt }), 'spring')).status).toBe(1);
  });

  test.each([
    ['a gate that waits for a person', { approvals: ['Canary'] } as const, { gate: 'Canary', gates: [gate('Canary', 'Canary', { state: 'Waiting', done: 1, total: 1 })] }, 'mtlsd rotate approve spring Canary'],
    ['a pause', { paused: true }, standingStill('Paused', 'it is paused'), 'mtlsd rotate resume spring'],
    ['another one that goes first', {}, standingStill('WaitsForRotation', 'CARotation a goes first'), 'mtlsd rotate abort spring'],
  ])('ends with 4 at %s, and says what helps', async (_, spec, status, help) => {
    const outcome = await waitFor(rotation(status, spec));
    expect(outcome.status).toBe(4);
    expect(outcome.stdout).toContain('CARotation spring stands still at');
    expect(outcome.stdout).toContain(help);
  });

  test('gives what may pass by itself time, and a receipt a moment', async () => {
    using out = new OutFolder(trustDomainFixture(), rotation(standingStill('StoreUnavailable', 'the disk is full')));
    const running = captured(['rotate', 'wait', '--out', out.path]);
    setTimeout(() => out.put(rotation({ phase: 'Complete' })), 1_500);
    setTimeout(() => out.put(rotation({ phase: 'Complete', receipt })), 2_000);
    const { stdout, status } = await running;
    expect(status).toBe(0);
    expect(stdout).toContain('mtlsd rotate receipt spring');
  });

  test('tells each change in a line, and goes on without it when it is left', async () => {
    using out = new OutFolder(trustDomainFixture(), rotation({ phase: 'Prepare', gate: 'Written', gates: [gate('Written', 'Distribute', { state: 'Waiting', done: 1, total: 9 })] }));
    const { promise, resolve } = Promise.withResolvers<void>();
    const running = captured(['rotate', 'wait', '--out', out.path], { stopped: promise });
    setTimeout(() => out.put(rotation()), 400);
    setTimeout(() => resolve(), 1_200);
    const { stdout, stderr, status } = await running;
    expect(stdout.split('\n').filter((line) => line !== '')).toEqual([
      '2026-03-01T09:01:15Z  Prepare  Written',
      '2026-03-01T09:01:15Z  Confirm  Loaded until 2026-03-01T09:02:00Z, waits for Pod shop/till-0, Pod shop/till-1',
    ]);
    expect(stderr).toContain('the rotation goes on: mtlsd rotate wait spring');
    expect(status).toBe(4);
  });

  test('prints one JSON document, its lines elsewhere', async () => {
    const { stdout, stderr } = await waitFor(rotation({ phase: 'Complete', receipt }), '--output', 'json', 'spring');
    expect(JSON.parse(stdout)).toMatchObject({ name: 'spring', phase: 'Complete', ended: true });
    expect(stderr).toContain('Complete');
  });

  test('knows the one that is meant, or asks', async () => {
    using out = new OutFolder(trustDomainFixture());
    expect((await captured(['rotate', 'wait', '--out', out.path])).error).toContain('ROTATION_NOT_FOUND: no rotation is under way');
    expect((await captured(['rotate', 'wait', 'x', '--out', out.path])).error).toContain('ROTATION_NOT_FOUND: there is no CARotation x');
    out.put(rotation({}, {}, 'a'));
    out.put(rotation({}, { trustDomain: 'bank.example' }, 'b'));
    expect((await captured(['rotate', 'wait', '--out', out.path])).error).toContain('name one (a, b)');
  });
});

describe('mtlsd rotate approve, exempt, pause, resume, abort', () => {
  const waiting = rotation({ gate: 'Canary', gates: [gate('Canary', 'Canary', { state: 'Waiting', done: 1, total: 1 })] }, { approvals: ['Canary', 'Drained'] });
  const underWay = (): OutFolder => {
    const out = new OutFolder(trustDomainFixture(), waiting);
    out.request(waiting);
    return out;
  };

  test.each([
    [['approve'], { approved: ['Canary'] }, 'CARotation spring: Canary is approved'],
    [['approve', 'spring', 'drained'], { approved: ['Drained'] }, 'Drained is approved before it is reached: nobody will be waited for there'],
    [['approve', 'Canary'], { approved: ['Canary'] }, 'CARotation spring: Canary is approved\n'],
    [['exempt', 'Pod/shop/till-0', '--reason', 'r', '--until', '1h'], { exemptions: [{ kind: 'Pod', namespace: 'shop', name: 'till-0', reason: 'r', until: '2026-03-01T10:01:15Z' }] }, 'no gate waits for Pod shop/till-0'],
    [['pause', 'spring'], { paused: true }, 'CARotation spring: is paused'],
    [['resume'], { paused: false }, 'CARotation spring: was not paused'],
    [['abort'], { abort: true }, 'CARotation spring: is given up'],
  ])('%j changes the request alone', async (args, spec, said) => {
    using out = underWay();
    const { stdout, error } = await withTaker(out, 'rotate', ...args);
    expect(error).toBeUndefined();
    expect(stdout).toContain(said);
    expect(out.specOf('spring')).toEqual({ ...waiting.spec, ...spec });
  });

  test('refuse what has ended, and what nobody asked to be approved', async () => {
    using out = underWay();
    expect((await withTaker(out, 'rotate', 'approve', 'spring', 'Loaded')).error).toContain('it was not made with --approve Loaded');
    out.put(rotation({ phase: 'Complete' }));
    rmSync(join(out.path, 'requests/spring.yaml'));
    expect((await captured(['rotate', 'abort', 'spring', '--out', out.path])).error).toContain('CARotation spring has ended (Complete)');
  });

  test.each([
    ['approve a gate again', ['approve', 'spring', 'Drained'], { approvals: ['Drained'], approved: ['Drained'] }, {}, 'CARotation spring: Drained was approved already'],
    ['approve a gate that was passed', ['approve', 'spring', 'Canary'], { approvals: ['Canary'], approved: ['Canary'] }, { gates: [gate('Canary', 'Canary', { state: 'Passed' })] }, 'Canary is approved; it was passed already'],
    ['pause twice', ['pause'], { paused: true }, {}, 'CARotation spring: was paused already'],
    ['go on', ['resume'], { paused: true }, {}, 'CARotation spring: goes on'],
    ['abort twice', ['abort'], { abort: true }, {}, 'CARotation spring: was given up already'],
    ['abort what has retired the old root', ['abort'], {}, { switchedAt: '2026-03-01T09:00:00Z', retiredAt: '2026-03-01T09:01:00Z' }, 'ROTATION_NOT_POSSIBLE: CARotation spring has retired the old authority already'],
    ['abort an issuing authority that signs', ['abort'], { what: 'Issuing' }, { switchedAt: '2026-03-01T09:00:00Z' }, 'ROTATION_NOT_POSSIBLE: CARotation spring has switched the issuing authority'],
  ] as const)('say what is to be said to who tries to %s', async (_what, args, spec, status, said) => {
    const asked = rotation(status, spec);
    using out = new OutFolder(trustDomainFixture(), asked);
    out.request(asked);
    const { stdout, error } = await withTaker(out, 'rotate', ...args);
    expect(stdout + (error ?? '')).toContain(said);
  });

  test('do not touch a file that holds more than the rotation', async () => {
    using out = underWay();
    const file = join(out.path, 'requests/spring.yaml');
    writeFileSync(file, 'kind: CARotation\nmetadata: {name: spring}\n---\nkind: CARotation\nmetadata: {name: b}\n');
    expect((await captured(['rotate', 'pause', '--out', out.path])).error).toContain('holds more or something else than CARotation spring: change it there');
    rmSync(file);
    expect((await captured(['rotate', 'pause', '--out', out.path])).error).toContain('cannot be read: only its file changes it');
  });

  test('say that it counts later when no mtlsd runs', async () => {
    using out = underWay();
    const asked = new RotationFolder(out.path, '', 300).change('spring', (spec) => ({ ...spec, abort: true }));
    await expect(asked).rejects.toThrow('was changed, and no mtlsd took it yet: it counts as soon as one runs');
    expect(out.specOf('spring')).toMatchObject({ abort: true });
  });
});
