import { chmodSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Overview } from '../../src/app/overview/overview.ts';
import { run, type Outcome } from './command.ts';
import { clockBehind, onceInProcess } from './in-process.ts';
import { identity, Sandbox, trustDomain } from './sandbox.ts';

/** What is wrong, the manifest, the object (or file) that must be named, and the parts that the sentence must have. */
type Case = readonly [what: string, manifest: string | object, object: string, ...sentence: string[]];

const wid = (what: string, spec: object | string, ...sentence: string[]): Case => {
  const name = what.replaceAll(/[^a-z0-9]+/gu, '-').replaceAll(/^-|-$/gu, '');
  return [what, identity(name, spec as object), `WorkloadIdentity shop/${name}`, ...sentence];
};
const domain = (what: string, spec: object, ...sentence: string[]): Case => {
  const name = `${what.replaceAll(/[^a-z0-9]+/gu, '-').replaceAll(/^-|-$/gu, '')}.example`;
  return [what, trustDomain(name, spec), `TrustDomain ${name}`, ...sentence];
};
const text = (file: string, content: string, ...sentence: string[]): Case => [file, content, file, ...sentence];

const cases: readonly Case[] = [
  wid('unknown field', { ttll: '1h' }, 'unknown field "spec.ttll"', 'did you mean "spec.ttl"?'),
  wid('unknown nested field', { secretTemplate: { label: {} } }, 'unknown field "spec.secretTemplate.label"'),
  wid('a number for a duration', { ttl: 60 }, 'spec.ttl', 'must be of type string'),
  wid('a string for a list', { dnsNames: 'cart.shop' }, 'spec.dnsNames', 'must be of type array'),
  wid('a list for the spec', ['ttl'], 'spec', 'must be of type object'),
  wid('no key algorithm of ours', { keyAlgorithm: 'DSA' }, 'spec.keyAlgorithm', 'Unsupported value: "DSA"', '"ED25519"'),
  wid('no duration', { ttl: 'tomorrow' }, 'spec.ttl', 'write hours, minutes and seconds'),
  wid('days', { ttl: '1d' }, 'spec.ttl', 'there is no unit for days'),
  wid('too short a life', { ttl: '30s' }, 'spec.ttl', 'write 1m or more'),
  wid('too long a life', { ttl: '25h' }, 'spec.ttl', 'write 24h or less'),
  wid('longer than the trust domain allows', { ttl: '2h', trustDomain: 'an-hour.example' }, 'spec.ttl: 7200s is longer than the 3600s', 'ask for at most that'),
  domain('longer than the issuer can honour', { issuingAuthority: { lifetime: '2h' }, svid: { ttl: '30m', maxTTL: '2h' } }, 'spec.svid.maxTTL', 'at most half of issuingAuthority.lifetime', 'write a shorter maxTTL'),
  domain('an issuer longer than the root can honour', { rootAuthority: { lifetime: '300h' } }, 'spec.issuingAuthority.lifetime', 'at most half of rootAuthority.lifetime', 'raise rootAuthority.lifetime'),
  // SPIFFE-1, 2 and 5: the name of a trust domain is the name of its object.
  text('trust-domain-upper.yaml', JSON.stringify(trustDomain('Shop.example')), 'trust-domain-upper.yaml:1: metadata.name', '"Shop.example"', 'lower case'),
  text('trust-domain-port.yaml', JSON.stringify(trustDomain('shop.example:443')), 'trust-domain-port.yaml:1: metadata.name', '"shop.example:443"'),
  text('trust-domain-scheme.yaml', JSON.stringify(trustDomain('spiffe://shop.example')), 'metadata.name', '"spiffe://shop.example"'),
  text('trust-domain-user.yaml', JSON.stringify(trustDomain('me@shop.example')), 'metadata.name', '"me@shop.example"'),
  text('trust-domain-percent.yaml', JSON.stringify(trustDomain('sh%6fp.example')), 'metadata.name', '"sh%6fp.example"'),
  text('trust-domain-empty.yaml', JSON.stringify(trustDomain('')), 'metadata.name', 'Required value'),
  ['a trust domain of 64 characters', trustDomain('a'.repeat(64)), `TrustDomain ${'a'.repeat(64)}`, 'metadata.name', 'may not be more than 63'],
  // SPIFFE-3 and 4: segments of the path.
  domain('a dot segment in the path', { pathTemplate: '/ns/../{namespace}/{serviceAccount}' }, 'spec.pathTemplate', 'a segment must not be "." or ".."'),
  domain('a trailing slash in the path', { pathTemplate: '/ns/{namespace}/sa/{serviceAccount}/' }, 'spec.pathTemplate', 'must not end with "/"'),
  domain('an empty segment in the path', { pathTemplate: '/ns//{namespace}/{serviceAccount}' }, 'spec.pathTemplate', 'SPIFFE-3'),
  domain('percent encoding in the path', { pathTemplate: '/n%20s/{namespace}/{serviceAccount}' }, 'spec.pathTemplate', 'SPIFFE-3'),
  domain('a query in the path', { pathTemplate: '/{namespace}/{serviceAccount}?x=y' }, 'spec.pathTemplate', 'SPIFFE-3'),
  domain('one path for all', { pathTemplate: '/ns/{namespace}' }, 'spec.pathTemplate', 'two workloads would share one SPIFFE ID'),
  wid('a slash in the service account', { serviceAccountName: 'a/b' }, 'spec.serviceAccountName', 'write the name of a service account'),
  wid('a service account of dots', { serviceAccountName: '..' }, 'spec.serviceAccountName', 'write the name of a service account'),
  wid('an upper-case service account', { serviceAccountName: 'Cart' }, 'spec.serviceAccountName', 'lower-case letters'),
  // DNS names, each kind treated deliberately.
  wid('a DNS name outside the policy', { dnsNames: ['payments.bank.svc'] }, 'spec.dnsNames[0]: "payments.bank.svc" is outside the DNS policy of trust domain shop.example', 'use a name that matches *.shop'),
  wid('a wildcard', { dnsNames: ['*.shop'] }, 'spec.dnsNames[0]', '"*.shop"', 'list each name'),
  wid('an IPv4 address', { dnsNames: ['10.0.0.1'] }, 'spec.dnsNames[0]', 'IP addresses are not issued', 'write the DNS name of the service'),
  wid('an IPv6 address', { dnsNames: ['::1'] }, 'spec.dnsNames[0]', 'IP addresses are not issued'),
  wid('an upper-case DNS name', { dnsNames: ['cart.shop', 'Cart.shop'] }, 'spec.dnsNames[1]', 'write it in lower case, as it stands in the certificate: cart.shop'),
  wid('a trailing dot', { dnsNames: ['cart.shop.'] }, 'spec.dnsNames[0]', 'leave out the trailing dot'),
  wid('Unicode', { dnsNames: ['kärt.shop'] }, 'spec.dnsNames[0]', '"xn--"'),
  wid('a port', { dnsNames: ['cart.shop:443'] }, 'spec.dnsNames[0]', 'no scheme and no port'),
  wid('a common name that is an address', { commonName: '*.shop' }, 'spec.commonName', 'list it in dnsNames too'),
  wid('a missing trust domain', { trustDomain: 'nowhere.example' }, 'trust domain nowhere.example (named in spec.trustDomain) does not exist', 'create the TrustDomain, or set spec.trustDomain'),
  // Files that are no manifests yet.
  text('half.yaml', 'apiVersion: mtlsd.io/v1alpha1\nkind: WorkloadIdentity\nmetadata: {name: half, names', 'half.yaml:3: ', 'Correct the file at the line'),
  text('half.json', '{"apiVersion": "mtlsd.io/v1alpha1", "kind": "Work', 'half.json:1: ', 'Correct the file at the line'),
  text('tabs.yaml', 'apiVersion: mtlsd.io/v1alpha1\nkind: WorkloadIdentity\nmetadata:\n\tname: tabs\n', 'tabs.yaml:4: Tabs'),
  text('keys.yaml', 'apiVersion: mtlsd.io/v1alpha1\nkind: WorkloadIdentity\nmetadata: {name: keys}\nspec: {ttl: 1h, ttl: 2h}\n', 'keys.yaml:4: Map keys must be unique'),
  text('empty.yaml', '', 'the file is empty', 'Write the file again, or remove it'),
  text('kind.yaml', JSON.stringify({ ...identity('kind'), kind: 'WorkloadIdentitty' }), 'no matches for kind "WorkloadIdentitty"', 'did you mean "WorkloadIdentity"?'),
  text('version.yaml', JSON.stringify({ ...identity('version'), apiVersion: 'mtlsd.io/v1' }), 'did you mean "mtlsd.io/v1alpha1"?'),
  text('nameless.yaml', JSON.stringify({ ...identity('x'), metadata: { namespace: 'shop' } }), 'nameless.yaml:1: metadata', 'name is required'),
  text('outside.yaml', JSON.stringify(identity('../../etc/evil')), 'metadata.name', '"../../etc/evil"'),
];

describe('one wrong manifest of each kind in one folder', () => {
  const sandbox = new Sandbox();
  let outcome: Outcome;
  let overview: Overview;
  let status: Outcome;
  beforeAll(async () => {
    sandbox.write('healthy.yaml', trustDomain('shop.example', { default: true }), identity('healthy', { dnsNames: ['healthy.shop.svc'] }));
    sandbox.write('hour.yaml', trustDomain('an-hour.example', { svid: { maxTTL: '1h' } }));
    for (const [index, [what, manifest]] of cases.entries()) sandbox.write(/\.(?:yaml|json)$/u.test(what) ? what : `case-${index}.yaml`, manifest);
    writeFileSync(join(sandbox.manifests, 'binary.yaml'), Buffer.from([0xff, 0xfe, 0x00]));
    symlinkSync('loop.yaml', join(sandbox.manifests, 'loop.yaml'));
    sandbox.write('first.yaml', identity('twice', { ttl: '2h' }));
    sandbox.write('second.yaml', identity('twice', { ttl: '3h' }));
    sandbox.write('claims.yaml', identity('one', { secretName: 'same' }), identity('other', { secretName: 'same' }));
    outcome = await sandbox.once();
    status = await run('status', '--out', sandbox.out);
    overview = JSON.parse((await run('status', '--out', sandbox.out, '--output', 'json')).stdout) as Overview;
  });
  afterAll(() => sandbox[Symbol.asyncDispose]());

  test('everything else goes on: the healthy identity beside them is issued', () => {
    expect(sandbox.identity('healthy').now().leaf.subjectAltName).toContain('healthy.shop.svc');
    expect(overview.identities.find(({ name }) => name === 'healthy')).toMatchObject({ ready: true });
    expect(outcome.status).toBe(1);
    expect(outcome.stdout).toMatch(/\d+ of \d+ identities are ready\n$/u);
  });

  test.each(cases)('%s: named, with what to do', (_what, _manifest, object, ...sentence) => {
    const rows = overview.problems.filter((row) => row.object === object);
    expect(rows).not.toEqual([]);
    for (const part of sentence) expect(rows.map(({ message }) => message).join('\n')).toContain(part);
    // `--once` and `mtlsd status` say the same, each in one place.
    for (const { message } of rows) {
      expect(outcome.stderr).toContain(message);
      expect(status.stdout).toContain(message);
    }
  });

  test('nothing is issued for any of them', () => {
    const ready = overview.identities.filter((row) => row.ready).map(({ name }) => name).sort();
    expect(ready).toHaveLength(3);
    expect(ready).toEqual(expect.arrayContaining(['healthy', 'twice']));
  });

  test('two manifests for one object: both are named, and which one is used', () => {
    const messages = overview.problems.filter(({ object }) => object === 'WorkloadIdentity shop/twice').map(({ message }) => message);
    expect(messages).toEqual([
      'first.yaml:1: WorkloadIdentity shop/twice is described again at second.yaml:1; this one is used. Remove one of the two that the message names.',
      'second.yaml:1: WorkloadIdentity shop/twice is described at first.yaml:1 already, which is used; this one is not. Remove one of the two that the message names.',
    ]);
    const { notBeforeMs, notAfterMs } = sandbox.identity('twice').now();
    expect(notAfterMs - notBeforeMs).toBe(2 * 3_600_000 + 60_000);
  });

  test('L2: two identities that claim one Secret: one keeps it, the other says Conflict', () => {
    const rows = overview.problems.filter(({ reason }) => reason === 'Conflict');
    expect(rows).toHaveLength(1);
    expect(rows[0]?.message).toMatch(/^Secret same belongs to the older WorkloadIdentity (one|other): set spec\.secretName to another name$/u);
  });

  test.each([['binary.yaml', 'not UTF-8'], ['loop.yaml', 'cannot be read (ELOOP)']])('%s: %s', (file, sentence) => {
    expect(overview.problems.find(({ object }) => object === file)?.message).toContain(sentence);
  });

  test('mtlsd status counts what is wrong, shows each with its reason, and answers 1', () => {
    expect(status).toMatchObject({ status: 1, stderr: '' });
    expect(status.stdout).toContain(`${overview.problems.length} things to look at:\n`);
    for (const { object, reason } of overview.problems) expect(status.stdout).toContain(`✗ ${object}  ${reason}\n`);
    expect(status.stdout).toMatch(/^shop\.example +ready\b/mu);
    expect(status.stdout).toMatch(/^shop\/healthy +spiffe:\/\/shop\.example\/ns\/shop\/sa\/healthy +[0-9a-f]{8} +█+░* 59m \d\ds +0$/mu);
  });
});

test('a manifest that mtlsd may not read is told, keeps the others going, and is read once it may be', async () => {
  await using sandbox = new Sandbox();
  sandbox.write('all.yaml', trustDomain(), identity('healthy'));
  sandbox.write('private.yaml', identity('private'));
  chmodSync(join(sandbox.manifests, 'private.yaml'), 0o000);
  chmodSync(sandbox.root, 0o777);
  // root may read everything.
  const daemon = process.getuid?.() === 0 ? sandbox.startAs(12_345) : sandbox.start();
  await sandbox.issued('healthy');
  await daemon.says('the file cannot be read (EACCES). Make the file readable for mtlsd, or remove it.');
  chmodSync(join(sandbox.manifests, 'private.yaml'), 0o644);
  await sandbox.issued('private');
});

test('two trust domains where one is expected: the identity says so and waits, one that was there before goes on', async () => {
  await using sandbox = new Sandbox();
  sandbox.write('shop.yaml', trustDomain('shop.example'));
  sandbox.write('early.yaml', identity('early'));
  expect(await sandbox.once()).toMatchObject({ status: 0 });
  sandbox.write('bank.yaml', trustDomain('bank.example'));
  sandbox.write('late.yaml', identity('late'));
  const outcome = await sandbox.once();
  expect(outcome.status).toBe(1);
  expect(outcome.stderr).toBe('WorkloadIdentity shop/late: TrustDomainAmbiguous: trust domains bank.example, shop.example exist and none is the default: set spec.trustDomain to one of them, or mark exactly one with spec.default: true\n');
  expect(sandbox.identity('early').now().spiffeId).toBe('spiffe://shop.example/ns/shop/sa/early');
  sandbox.write('bank.yaml', trustDomain('bank.example', { default: true }));
  expect(await sandbox.once()).toMatchObject({ status: 0, stderr: '' });
  expect(sandbox.identity('late').now().spiffeId).toBe('spiffe://bank.example/ns/shop/sa/late');
});

test('no trust domain at all, then one: the identities that waited are issued', async () => {
  await using sandbox = new Sandbox();
  sandbox.write('cart.yaml', identity('cart'));
  const outcome = await sandbox.once();
  expect(outcome).toMatchObject({ status: 1, stderr: 'WorkloadIdentity shop/cart: TrustDomainMissing: there is no TrustDomain: create one\n' });
  sandbox.write('shop.yaml', trustDomain());
  expect(await sandbox.once()).toMatchObject({ status: 0, stderr: '' });
});

test('a trust domain with the issuer of an older one is told which, and what to do; the older one goes on', async () => {
  await using sandbox = new Sandbox();
  const tokens = { jwt: { issuer: 'https://tokens.example' } };
  sandbox.write('old.yaml', trustDomain('shop.example', tokens), identity('cart', { trustDomain: 'shop.example', jwt: { audiences: [{ name: 'bank', audience: 'https://bank.example' }] } }));
  expect(await onceInProcess(sandbox, clockBehind(60_000))).toEqual([]);
  sandbox.write('another.yaml', trustDomain('bank.example', tokens));
  expect(await onceInProcess(sandbox)).toEqual([expect.stringMatching(/^TrustDomain bank\.example: the issuer https:\/\/tokens\.example belongs to trust domain shop\.example, .*Set spec\.jwt\.issuer of bank\.example to a URL of its own/u)]);
  expect(readFileSync(sandbox.identity('cart').file('bank.jwt'), 'utf8').split('.')).toHaveLength(3);
});
