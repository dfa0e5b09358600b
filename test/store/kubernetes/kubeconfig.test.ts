import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Credentials } from '../../../src/store/kubernetes/credentials.ts';
import { defaultKubeconfig, podKubeconfig, readKubeconfig } from '../../../src/store/kubernetes/kubeconfig.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtlsd-kubeconfig-'));
});
afterEach(() => rm(folder, { recursive: true }));

const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

async function write(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

const small = (name: string, current = name): string => `
apiVersion: v1
kind: Config
current-context: ${current}
clusters: [{name: ${name}, cluster: {server: 'https://${name}.example'}}]
users: [{name: ${name}, user: {token: ${name}-token}}]
contexts: [{name: ${name}, context: {cluster: ${name}, user: ${name}}}]
`;

test('paths are relative to the file that names them; what is not set is not there', async () => {
  const path = await write('config', "clusters: [{name: c, cluster: {server: 'https://c', certificate-authority: ca.crt}}]\nusers: [{name: u, user: {client-certificate: /etc/u.crt, client-key: keys/u.key, tokenFile: t}}]\n");
  const { clusters, users, contexts, currentContext } = readKubeconfig(path);
  expect(clusters).toEqual([{ name: 'c', server: 'https://c', caFile: join(folder, 'ca.crt'), skipTLSVerify: false }]);
  expect(users).toEqual([{ name: 'u', certFile: '/etc/u.crt', keyFile: join(folder, 'keys/u.key'), tokenFile: join(folder, 't') }]);
  expect([contexts, currentContext]).toEqual([[], undefined]);
});

test.each([
  ['clusters: 7', /clusters is no list/u],
  ['clusters: [{cluster: {server: x}}]', /clusters\[0\]\.name is missing/u],
  ['clusters: [{name: c}]', /clusters\[0\]\.cluster\.server is missing/u],
  ['users: [{name: u, user: 7}]', /users\[0\]\.user is no object/u],
  ['contexts: [{name: x, context: {user: u}}]', /contexts\[0\]\.context\.cluster is missing/u],
  ['- a', /no kubeconfig/u],
  ['users: [{name: u, user: {token: hunter2}', /^it is no well-formed YAML \((?!.*hunter2)/u],
])('%s is refused', async (text, words) => {
  const path = await write('config', text);
  expect(() => readKubeconfig(path)).toThrow(words);
});

test('a file that is not there, and a folder, are told as such', () => {
  expect(() => readKubeconfig(join(folder, 'absent'))).toThrow(/no such file: check the path/u);
  expect(() => readKubeconfig(folder)).toThrow(/it is a folder/u);
});

test('of the files that KUBECONFIG names the first counts where two say something of one name, and those that are not there are passed over', async () => {
  const [a, b] = [await write('a', small('a')), await write('b', small('a', 'b').replaceAll('a.example', 'other.example')), await write('c', small('c'))];
  const merged = defaultKubeconfig({ KUBECONFIG: [join(folder, 'absent'), a, b, join(folder, 'c')].join(':') });
  expect(merged.currentContext).toBe('a');
  expect(merged.clusters.map(({ name, server }) => `${name} ${server}`)).toEqual(['a https://a.example', 'c https://c.example']);
  expect(merged.files).toEqual([a, b, join(folder, 'c')]);
  expect(() => defaultKubeconfig({ KUBECONFIG: join(folder, 'absent') })).toThrow(/absent, which KUBECONFIG names/u);
});

test('without KUBECONFIG the one in the home folder counts; with neither there is nothing to go by', async () => {
  await mkdir(join(folder, '.kube'));
  await write('.kube/config', small('home'));
  expect(defaultKubeconfig({ HOME: folder }).currentContext).toBe('home');
  expect(() => defaultKubeconfig({ HOME: join(folder, 'absent') })).toThrow(/neither a kubeconfig \(.*\) nor the service account of a pod: name one by --kubeconfig/u);
});

test('a pod trusts the certificate authority and bears the token that are mounted into it', async () => {
  const environment = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
  const pod = podKubeconfig(environment, folder);
  expect(pod.clusters).toEqual([{ name: 'pod', server: 'https://[fd00::1]:443', caFile: join(folder, 'ca.crt'), skipTLSVerify: false }]);
  expect(pod.users).toEqual([{ name: 'pod', tokenFile: join(folder, 'token') }]);
  expect(podKubeconfig({ ...environment, KUBERNETES_SERVICE_HOST: '10.0.0.1' }, folder).clusters[0]?.server).toBe('https://10.0.0.1:443');
  expect(() => podKubeconfig({}, folder)).toThrow(/this is no pod/u);
});

test('an exec plugin is asked, and its certificate and token are used', async () => {
  const answer = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token: 'from-plugin', clientCertificateData: 'CERT', clientKeyData: 'KEY' } };
  const plugin = await write('answer.json', JSON.stringify(answer));
  const user = { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'cat', args: [plugin] } };
  const config = { clusters: [{ name: 'c', cluster: { server: 'https://c.example', 'certificate-authority-data': 'Q0E=', 'tls-server-name': 'inner' } }], users: [{ name: 'u', user }], contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }], 'current-context': 'x' };
  const kubeconfig = await write('config', JSON.stringify(config));
  const { headers, tls, server } = await new Credentials({ kubeconfig }, () => 0, log).current();
  expect(headers).toEqual({ Authorization: 'Bearer from-plugin' });
  expect({ ...tls, ca: String(tls.ca) }).toEqual({ ca: 'CA', cert: 'CERT', key: 'KEY', servername: 'inner' });
  expect(server).toBe('https://c.example');
});

test('a server without TLS is refused, unless the kubeconfig does without verification in so many words', async () => {
  const config = (insecure: boolean): string => small('a').replace("'https://a.example'", `'http://a.example', insecure-skip-tls-verify: ${insecure}`);
  const refused = new Credentials({ kubeconfig: await write('config', config(false)) }, () => 0, log);
  await expect(refused.current()).rejects.toThrow(/http: without insecure-skip-tls-verify/u);
  const taken = new Credentials({ kubeconfig: await write('config', config(true)) }, () => 0, log);
  expect(await taken.current()).toMatchObject({ server: 'http://a.example', tls: { rejectUnauthorized: false } });
});
