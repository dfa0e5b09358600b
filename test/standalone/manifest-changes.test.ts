import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Command } from './command.ts';
import { identity, Sandbox, trustDomain } from './sandbox.ts';
import { until } from './wait.ts';

const sandbox = new Sandbox();
let daemon: Command;
beforeAll(async () => {
  sandbox.write('trust-domain.yaml', trustDomain());
  sandbox.write('neighbour.yaml', identity('neighbour'));
  daemon = sandbox.start();
  await sandbox.issued('neighbour');
});
afterAll(() => sandbox[Symbol.asyncDispose]());

const statusFile = (name: string): string => join(sandbox.out, 'status/WorkloadIdentity/shop', `${name}.yaml`);
const conditions = (name: string): readonly { type: string; status: string; message: string }[] =>
  (parse(readFileSync(statusFile(name), 'utf8')) as { status?: { conditions?: { type: string; status: string; message: string }[] } }).status?.conditions ?? [];

/** One daemon for all: what is proved is that it never has to be started again. */
test('a manifest that is dropped in, edited or removed takes effect by itself', async () => {
  const neighbour = sandbox.identity('neighbour').now().leaf.serialNumber;
  sandbox.write('drop/cart.yaml', identity('cart'));
  const first = (await sandbox.issued('cart')).now();
  expect(first.leaf.subjectAltName).not.toContain('DNS:');

  sandbox.write('drop/cart.yaml', identity('cart', { dnsNames: ['cart.shop.svc', 'cart.shop', 'cart.shop.svc'] }));
  const edited = await until('the edit is issued', () => {
    const now = sandbox.identity('cart').now();
    return now.leaf.serialNumber === first.leaf.serialNumber ? undefined : now;
  });
  const names = [...(edited.leaf.subjectAltName ?? '').matchAll(/DNS:[^,\s]+/gu)].map(([name]) => name);
  expect(names.sort()).toEqual(['DNS:cart.shop', 'DNS:cart.shop.svc']); // L23: each once
  expect(edited.leaf.subject ?? '').toBe(''); // L24: never taken from DNS names

  sandbox.remove('drop/cart.yaml');
  await until('identity and status are gone', () => !existsSync(sandbox.identity('cart').folder) && !existsSync(statusFile('cart')));
  expect(sandbox.identity('neighbour').now().leaf.serialNumber).toBe(neighbour);
  expect(daemon.running).toBe(true);
});

test('L9: deletionPolicy Retain keeps key and certificate when the manifest goes, Delete does not', async () => {
  sandbox.write('both.yaml', identity('kept', { deletionPolicy: 'Retain' }), identity('gone'));
  const kept = (await sandbox.issued('kept')).now();
  await sandbox.issued('gone');
  sandbox.remove('both.yaml');
  await until('the one is gone', () => !existsSync(sandbox.identity('gone').folder));
  await until('the object of the other is gone', () => !existsSync(statusFile('kept')));
  expect(sandbox.identity('kept').now().leaf.serialNumber).toBe(kept.leaf.serialNumber);
});

test('a manifest written in two halves, left half-written or made wrong removes nothing, and says so on its object', async () => {
  sandbox.write('slow.yaml', identity('slow'));
  const before = (await sandbox.issued('slow')).now().leaf.serialNumber;
  writeFileSync(join(sandbox.manifests, 'slow.yaml'), 'apiVersion: mtlsd.io/v1alpha1\nkind: WorkloadIdentity\nmetadata: {name: slow, namesp');
  const refused = await until('its condition says so', () => conditions('slow').find(({ type, status }) => type === 'Accepted' && status === 'False'));
  expect(refused.message).toMatch(/^slow\.yaml:3: /u);
  expect(sandbox.identity('slow').now().leaf.serialNumber).toBe(before);

  sandbox.write('slow.yaml', identity('slow', { ttl: '30s' }));
  await until('the condition names the field', () => conditions('slow').some(({ type, message }) => type === 'Accepted' && message.includes('spec.ttl')));
  await daemon.says(/WARN: .*\bobject=WorkloadIdentity shop\/slow\b.*file=slow\.yaml/u);
  expect(sandbox.identity('slow').now().leaf.serialNumber).toBe(before);

  sandbox.write('slow.yaml', identity('slow', { ttl: '2h' }));
  await until('the corrected one is issued', () => sandbox.identity('slow').now().leaf.serialNumber !== before);
  await until('nothing is wrong any more', () => !existsSync(join(sandbox.out, 'problems.json')) && !conditions('slow').some(({ type }) => type === 'Accepted'));
  await daemon.says('nothing is wrong with slow.yaml any more');
});

test('an identity that moves to another manifest stays as it is', async () => {
  sandbox.write('old.yaml', identity('mover'));
  const before = (await sandbox.issued('mover')).now().leaf.serialNumber;
  sandbox.write('new/place.yaml', identity('mover'));
  sandbox.remove('old.yaml');
  await until('it comes from the new place', () => readFileSync(statusFile('mover'), 'utf8').includes('new/place.yaml'));
  expect(sandbox.identity('mover').now().leaf.serialNumber).toBe(before);
});

test('a foreign edit of an identity\'s files is repaired and told', async () => {
  sandbox.write('edited.yaml', identity('edited'));
  const { file } = await sandbox.issued('edited').then((found) => ({ file: found.file('tls.crt') }));
  const before = sandbox.identity('edited').now().leaf.serialNumber;
  writeFileSync(file, 'not a certificate');
  await until('a new pair is in place', () => sandbox.identity('edited').now().leaf.serialNumber !== before);
  await daemon.says('Secret edited-mtls was changed or deleted by somebody else');
});

test('a folder that becomes a manifest folder later is followed too', async () => {
  mkdirSync(join(sandbox.manifests, 'later/deeper'), { recursive: true });
  sandbox.write('later/deeper/late.yml', identity('late'));
  await sandbox.issued('late');
  expect(readdirSync(sandbox.out).sort()).toEqual(['.mtlsd-out', 'bundles', 'identities', 'receipts', 'requests', 'status']);
});
