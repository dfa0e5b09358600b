import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Credentials, CredentialsError } from '../../../src/store/kubernetes/credentials.ts';

let folder: string;
let nowMs: number;
let warnings: string[];
const log = { debug: () => undefined, info: () => undefined, warn: (message: string) => void warnings.push(message), error: () => undefined };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtlsd-credentials-'));
  nowMs = 1_800_000_000_000;
  warnings = [];
});
afterEach(() => rm(folder, { recursive: true }));

async function kubeconfig(user: object, clusterPart: object = {}): Promise<string> {
  const path = join(folder, 'kubeconfig');
  const config = {
    clusters: [{ name: 'c', cluster: { server: 'https://api.example:6443/prefix/', ...clusterPart } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  await writeFile(path, JSON.stringify(config));
  return path;
}

async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

const open = (path: string): Credentials => new Credentials({ kubeconfig: path }, () => nowMs, log);

describe('Credentials', () => {
  test('come with server and headers', async () => {
    expect(await open(await kubeconfig({ token: 'abc' })).current()).toMatchObject({ server: 'https://api.example:6443/prefix', headers: { Authorization: 'Bearer abc' } });
    expect(await open(await kubeconfig({ username: 'a', password: 'b' })).current()).toMatchObject({ headers: { Authorization: 'Basic YTpi' } });
    expect(await open(await kubeconfig({ token: 'abc', as: 'someone' })).current()).toMatchObject({ headers: { Authorization: 'Bearer abc', 'Impersonate-User': 'someone' } });
  });

  test('stay the same value while nothing changes', async () => {
    const credentials = open(await kubeconfig({ token: 'abc' }));
    const first = await credentials.current();
    nowMs += 3_600_000;
    expect(await credentials.current()).toBe(first);
    expect(await credentials.renew(first)).toBe(false);
  });

  test('a token file, named relative to the kubeconfig, is read again a second after it changed', async () => {
    await writeFile(join(folder, 'token'), 'one\n');
    const credentials = open(await kubeconfig({ tokenFile: 'token', token: 'older' }));
    expect((await credentials.current()).headers).toEqual({ Authorization: 'Bearer one' });
    await replaceFile(join(folder, 'token'), 'two\n');
    expect((await credentials.current()).headers).toEqual({ Authorization: 'Bearer one' });
    nowMs += 1000;
    expect((await credentials.current()).headers).toEqual({ Authorization: 'Bearer two' });
  });

  test('a refusal makes it look at once', async () => {
    await writeFile(join(folder, 'token'), 'one');
    const credentials = open(await kubeconfig({ tokenFile: 'token' }));
    const first = await credentials.current();
    expect(await credentials.renew(first)).toBe(false);
    await replaceFile(join(folder, 'token'), 'two');
    expect(await credentials.renew(first)).toBe(true);
    expect((await credentials.current()).headers).toEqual({ Authorization: 'Bearer two' });
  });

  test('a change behind a symlink, as kubelet makes it, is noticed', async () => {
    await writeFile(join(folder, 'token-1'), 'one');
    await writeFile(join(folder, 'token-2'), 'two');
    await symlink('token-1', join(folder, 'token'));
    const credentials = open(await kubeconfig({ tokenFile: 'token' }));
    await credentials.current();
    await symlink('token-2', join(folder, 'token.new'));
    await rename(join(folder, 'token.new'), join(folder, 'token'));
    nowMs += 1000;
    expect((await credentials.current()).headers).toEqual({ Authorization: 'Bearer two' });
  });

  test('a kubeconfig that is replaced is read again, a certificate authority too', async () => {
    await writeFile(join(folder, 'ca.crt'), 'CA 1');
    const path = await kubeconfig({ token: 'abc' }, { 'certificate-authority': 'ca.crt' });
    const credentials = open(path);
    expect(String((await credentials.current()).tls.ca)).toBe('CA 1');
    await replaceFile(join(folder, 'ca.crt'), 'CA 2');
    nowMs += 1000;
    expect(String((await credentials.current()).tls.ca)).toBe('CA 2');
    await kubeconfig({ token: 'xyz' }, { server: 'https://other.example' });
    nowMs += 1000;
    expect(await credentials.current()).toMatchObject({ server: 'https://other.example', headers: { Authorization: 'Bearer xyz' }, tls: {} });
  });

  test('while a changed file cannot be read the last good ones stay in use, with one warning', async () => {
    await writeFile(join(folder, 'token'), 'one');
    const path = await kubeconfig({ tokenFile: 'token' });
    const credentials = open(path);
    await credentials.current();
    await writeFile(path, '{ this is no kubeconfig');
    for (let n = 0; n < 3; n++) {
      nowMs += 1000;
      expect((await credentials.current()).headers).toEqual({ Authorization: 'Bearer one' });
    }
    expect(warnings).toHaveLength(1);
    await kubeconfig({ token: 'two' });
    nowMs += 1000;
    expect((await credentials.current()).headers).toEqual({ Authorization: 'Bearer two' });
  });

  test('a plugin that cannot run is told, and asked again', async () => {
    const credentials = open(await kubeconfig({ exec: { apiVersion: 'client.authentication.k8s.io/v1', command: join(folder, 'absent') } }));
    await expect(credentials.current()).rejects.toThrow(CredentialsError);
    await expect(credentials.current()).rejects.toThrow(/absent ENOENT/u);
  });

  test.each([
    ['no YAML', '{', /cannot be used/u],
    ['an empty file', '', /cannot be used/u],
    ['a context without a cluster', JSON.stringify({ clusters: [], users: [], contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }], 'current-context': 'x' }), /context "x" names no cluster/u],
    ['no current context', JSON.stringify({ clusters: [], users: [], contexts: [] }), /cannot be used/u],
  ])('%s is refused with the path of the file', async (_what, text, words) => {
    const path = join(folder, 'kubeconfig');
    await writeFile(path, text);
    expect(() => open(path)).toThrow(words);
    expect(() => open(path)).toThrow(path);
  });
});
