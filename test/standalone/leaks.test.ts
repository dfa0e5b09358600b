import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from './command.ts';
import { identity, Sandbox, trustDomain } from './sandbox.ts';
import { until } from './wait.ts';

const secret = (index: number): string => `hunter2-${index}-7f3a`;
const person = (index: number): string => `alice-${index}.smith`;

/** Manifests with a password or a person in every place where a user may write one, good and bad. */
const manifests: readonly (string | object)[] = [
  identity('labelled', { secretTemplate: { labels: { team: person(1) }, annotations: { 'example.com/password': secret(1), 'example.com/mail': `${person(2)}@example.com` } } }),
  identity('annotated', {}, { annotations: { 'example.com/token': secret(2) }, labels: { owner: person(3) } }),
  identity('common-name', { commonName: `Alice ${secret(3)}` }),
  identity('denied-name', { dnsNames: [`${person(4)}.laptop`] }),
  identity('wrong-name', { dnsNames: [`*.${person(5)}`] }),
  identity('upper-name', { dnsNames: [`Alice-6.Smith.${secret(6)}`] }),
  identity('address', { dnsNames: ['10.11.12.13'] }),
  identity('unknown-field', { [secret(7)]: person(7) }),
  identity('wrong-type', { ttl: { password: secret(8) } }),
  identity('wrong-value', { ttl: secret(9), keyAlgorithm: secret(10), serviceAccountName: secret(11).toUpperCase() }),
  identity('wrong-label', { secretTemplate: { labels: { [`${person(12)}@x`]: secret(12) } } }),
  `apiVersion: mtlsd.io/v1alpha1\nkind: WorkloadIdentity\nmetadata: {name: ${secret(13)}!}\nspec: {password: ${secret(13)}}\n`,
  `apiVersion: mtlsd.io/v1alpha1\nkind: ${secret(14)}\nmetadata: {name: x}\n`,
  `password: &${secret(15)} [${secret(15)}\nname: *${person(15)}\n"${secret(16)}`,
  `{"apiVersion": "mtlsd.io/v1alpha1", "password": "${secret(17)}`,
  `apiVersion: mtlsd.io/v1alpha1\nkind: WorkloadIdentity\nmetadata: {name: keys, ${secret(18)}: a, ${secret(18)}: b}\n`,
];

const seeds = /hunter2|alice|smith|10\.11\.12\.13/iu;
const privateKey = /PRIVATE KEY|"[0-9a-f]{40}\.key"/u;

test('L26: neither secrets nor persons from manifests, nor any key, are in logs and audit; keys are not in status', async () => {
  await using sandbox = new Sandbox();
  sandbox.write('healthy.yaml', trustDomain(), identity('healthy'));
  for (const [index, manifest] of manifests.entries()) sandbox.write(`case-${index}.yaml`, manifest);
  for (const format of ['text', 'json']) {
    const daemon = sandbox.start('--log-level', 'debug', '--log-format', format);
    await sandbox.issued('common-name');
    await daemon.says(`case-${manifests.length - 1}.yaml`);
    sandbox.write('case-3.yaml', identity('denied-name', { dnsNames: [`${person(40)}.laptop.${format}`] }));
    await until('the edit is judged', () => readFileSync(join(sandbox.out, 'status/WorkloadIdentity/shop/denied-name.yaml'), 'utf8').includes(`"${person(40)}.laptop.${format}" is outside`));
    await daemon.says(/shop\/denied-name.*Denied|Denied.*shop\/denied-name/u);
    sandbox.write('case-4.yaml', '');
    await daemon.says(/case-4\.yaml/u);
    sandbox.write('case-4.yaml', manifests[4] ?? '');
    const { stdout, stderr } = await daemon.stop();
    expect(stderr).toBe('');
    expect(stdout.split('\n').filter((line) => seeds.test(line) || privateKey.test(line))).toEqual([]);
  }
  const audit = readFileSync(join(sandbox.state, 'audit.jsonl'), 'utf8');
  expect(audit).toContain('"decision":"refused","object":"WorkloadIdentity shop/denied-name"');
  expect(audit.split('\n').filter((line) => seeds.test(line) || privateKey.test(line))).toEqual([]);
  for (const line of audit.trim().split('\n')) expect(() => JSON.parse(line) as unknown).not.toThrow();
  const outputs = readdirSync(sandbox.out, { recursive: true }).map((path) => join(sandbox.out, String(path))).filter((path) => statSync(path).isFile() && !/\/(?:tls\.key|credential-bundle\.pem)$/u.test(path));
  for (const path of outputs) expect(readFileSync(path, 'utf8'), path).not.toMatch(privateKey);
  const status = await run('status', '--out', sandbox.out, '--output', 'json');
  expect(status.stdout).not.toMatch(privateKey);
  // What a status says of an object is for its owner: it quotes the field that is wrong, and no other.
  for (const index of [1, 2, 12]) expect(status.stdout).not.toContain(secret(index));
});
