/**
 * JWT-SVIDs before a real API server: with the file of docs/operate/oidc.md it finds their keys by discovery, over TLS with a
 * certificate that is none of ours, and knows whom they stand for.
 */
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { unlikePage } from '../app/metrics-page.ts';
import { makeWebPair, type WebPair } from '../x509/web-pair.ts';
import { renderChart, systemNamespace, type Manifest } from './chart.ts';
import { ControllerProcess } from './controller-process.ts';
import { identity, isReady, namespace, paths, says, Site, trustDomain } from './controller-site.ts';
import { freePorts } from './ports.ts';

interface AuthenticationFile {
  readonly jwt: readonly [{ readonly issuer: { readonly url: string; readonly audiences: readonly [string] } }];
}

const patience = { timeout: 30_000, interval: 200 };
const page = await readFile(join(import.meta.dirname, '..', '..', 'docs', 'operate', 'oidc.md'), 'utf8');
/** The manifest of that kind on the page. */
const onPage = (kind: string): unknown => parse([...page.matchAll(/^```yaml fragment\n([^]*?)^```$/gmu)].map(([, text = '']) => text).find((text) => text.includes(`kind: ${kind}\n`)) ?? '');

/** The arguments of the API with a Secret, as the chart gives them to the controller, and where it mounts that. */
async function chartApi(): Promise<{ readonly args: readonly string[]; readonly mountPath: string; readonly manifests: readonly Manifest[] }> {
  const manifests = await renderChart(['--set', 'api.enabled=true', '--set', 'api.tlsSecretName=tokens-example-com']);
  const deployment = manifests.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'mtlsd') as unknown as { readonly spec: { readonly template: { readonly spec: { readonly containers: readonly [{ readonly args: readonly string[]; readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[] }] } } } };
  const [{ args, volumeMounts }] = deployment.spec.template.spec.containers;
  return { args: args.slice(args.indexOf('--api-listen')), mountPath: volumeMounts.find(({ name }) => name === 'api-tls')?.mountPath ?? '', manifests };
}

/** Files as kubelet lays a Secret out: a change is one rename, of the link that all of them lead through. */
async function mountSecret(folder: string, version: string, { cert, key }: WebPair): Promise<void> {
  const at = (name: string): string => join(folder, name);
  await mkdir(at(`..${version}`), { recursive: true });
  await Promise.all([writeFile(at(`..${version}/tls.crt`), cert), writeFile(at(`..${version}/tls.key`), key)]);
  await symlink(`..${version}`, at('..data_tmp'));
  await rename(at('..data_tmp'), at('..data'));
  for (const file of ['tls.crt', 'tls.key']) await symlink(`..data/${file}`, at(file)).catch(() => undefined);
}

/** The certificate that a new connection is shown, PEM without line breaks. */
async function shown(port: number, ca: string): Promise<string> {
  const socket = connect({ port, host: 'localhost', ca });
  try {
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    return socket.getPeerCertificate().raw.toString('base64');
  } finally {
    socket.destroy();
  }
}

const bare = (pem: string): string => pem.replaceAll(/-----[^-]+-----|\n/gu, '');

describe('an API server that is told of the issuer', () => {
  const parts = new AsyncDisposableStack();
  const { jwt, ...file } = onPage('AuthenticationConfiguration') as AuthenticationFile;
  const [entry] = jwt;
  const [audience] = entry.issuer.audiences;
  let site: Site;
  let controller: ControllerProcess;
  let url: string;
  let chart: Awaited<ReturnType<typeof chartApi>>;
  let port: number;
  let next: WebPair;
  let mint: (audience: string) => Promise<string>;
  let agent: Agent;

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mtlsd-oidc-'));
    parts.defer(() => rm(folder, { recursive: true }));
    const pair = await makeWebPair();
    [next, chart, [port = 0]] = await Promise.all([makeWebPair('another'), chartApi(), freePorts(1)]);
    const roots = pair.roots + next.roots;
    url = `https://localhost:${port}/shop.example`;
    const at = (name: string): string => join(folder, name);
    await writeFile(at('authentication.yaml'), stringify({ ...file, jwt: [{ ...entry, issuer: { ...entry.issuer, url, certificateAuthority: roots } }] }));
    await mountSecret(at('api'), '1', pair);
    site = parts.use(await Site.open({ apiServerFlags: [`--authentication-config=${at('authentication.yaml')}`] }));
    await site.addNamespace('shop', ['cart']);
    controller = parts.use(ControllerProcess.start(site.kubeconfig, chart.args.map((arg) => arg.replace(chart.mountPath, at('api')).replace(/^0\.0\.0\.0:\d+$/u, `localhost:${port}`))));
    await controller.leads();
    await site.apply(trustDomain('shop.example', { jwt: { issuer: url } }), identity('shop', 'cart'));
    await site.see(paths.identity('shop', 'cart'), isReady);

    agent = new Agent({ connect: { ca: roots } });
    parts.defer(() => agent.destroy());
    const account = (await site.kubectl(['create', 'token', 'cart', '--namespace', 'shop', '--audience', 'mtlsd'])).trim();
    mint = async (wanted) => {
      const { statusCode, body } = await request(`https://localhost:${port}/v1/svids/jwt`, { method: 'POST', dispatcher: agent, headers: { authorization: `Bearer ${account}`, 'content-type': 'application/json' }, body: JSON.stringify({ audience: wanted }) });
      const answer = (await body.json()) as { readonly token?: string };
      if (answer.token === undefined) throw new Error(`${statusCode} ${JSON.stringify(answer)}`);
      return answer.token;
    };
    await expect(shown(port, pair.roots)).resolves.toBe(bare(pair.cert.slice(0, pair.cert.indexOf('-----END'))));
    // What follows goes on across the change of the Secret.
    await mountSecret(at('api'), '2', next);
  });
  afterAll(() => parts.disposeAsync());

  test('knows a workload by its SPIFFE ID behind the prefix, in no group of ours, and lets it do what that name may', async () => {
    const token = await mint(audience);
    // It looks for the issuer every ten seconds, and that was not there when it started.
    const whoami = await vi.waitFor(async () => site.kubectl(['auth', 'whoami', '--output', 'json', '--token', token]), patience);
    const { status } = JSON.parse(whoami) as { readonly status: { readonly userInfo: { readonly username: string; readonly groups: readonly string[] } } };
    expect(status.userInfo).toMatchObject({ username: 'mtlsd:spiffe://shop.example/ns/shop/sa/cart', groups: ['system:authenticated'] });

    // What `view` holds is put together from this one by a controller manager, and there is none here.
    await site.apply({ ...(onPage('RoleBinding') as object), roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:aggregate-to-view' } });
    const services = ['get', 'services', '--namespace', 'shop', '--token', token];
    await vi.waitFor(async () => site.kubectl(services), patience);
    await expect(site.kubectl([...services, '--namespace', 'default'])).rejects.toThrow('mtlsd:spiffe://shop.example/ns/shop/sa/cart');
  });

  test('refuses a token that is for somebody else', async () => {
    const token = await mint('https://api.cluster-2.example.com');
    await expect(site.kubectl(['auth', 'whoami', '--token', token])).rejects.toThrow('Unauthorized');
  });

  test('and a younger trust domain with the same issuer is told whose it is, and what to do', async () => {
    await site.apply(trustDomain('younger.example', { jwt: { issuer: url } }));
    const refused = await site.see(paths.trustDomain('younger.example'), says('JWTReady', 'IssuerTaken'));
    expect(refused.status?.conditions?.find(({ type }) => type === 'JWTReady')).toMatchObject({ status: 'False', message: expect.stringContaining('belongs to trust domain shop.example') as string });
    expect((await site.see(paths.trustDomain('shop.example'))).status?.['jwt']).toMatchObject({ issuer: url, keys: [{ state: 'Active' }] });
    const columns = await site.kubectl(['get', 'trustdomains', '--output', 'wide']);
    expect(columns).toMatch(/TOKENS/u);
    expect(columns).toMatch(/^younger\.example .*IssuerTaken/mu);
  });

  test('is reached from outside as the page says: its Ingress and its Service lead to what the chart installs', async () => {
    const ingress = onPage('Ingress') as { readonly spec: { readonly rules: readonly [{ readonly http: { readonly paths: readonly { readonly path: string; readonly backend: { readonly service: { readonly name: string; readonly port: { readonly name: string } } } }[] } }] } };
    const service = onPage('Service') as { readonly spec: { readonly selector: object; readonly ports: readonly [{ readonly targetPort: string }] } };
    await site.apply(namespace(systemNamespace));
    await site.kubectl(['apply', '--server-side', '--validate=strict', '--warnings-as-errors', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [ingress, service] }));
    const own = chart.manifests.find(({ kind, metadata }) => kind === 'Service' && metadata.name === 'mtlsd-api');
    const deployment = chart.manifests.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'mtlsd');
    for (const { path, backend } of ingress.spec.rules[0].http.paths) {
      expect(url.endsWith('/shop.example') && path.startsWith('/shop.example/')).toBe(true);
      expect(own).toMatchObject({ metadata: { name: backend.service.name, namespace: systemNamespace }, spec: { ports: [{ name: backend.service.port.name }] } });
      const answer = await request(`https://localhost:${port}${path}`, { dispatcher: agent });
      expect([path, answer.statusCode]).toEqual([path, 200]);
      await answer.body.dump();
    }
    expect(deployment?.['spec']).toMatchObject({ template: { metadata: { labels: service.spec.selector }, spec: { containers: [{ ports: expect.arrayContaining([expect.objectContaining({ name: service.spec.ports[0].targetPort })]) as unknown }] } } });
    expect(own).toMatchObject({ spec: { selector: service.spec.selector } });
  });

  test('and its certificate is the one that the Secret has now, by the arguments of the chart, which mounts it where it is named', async () => {
    const deployment = (manifests: readonly Manifest[]) => JSON.stringify(manifests.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'mtlsd'));
    expect(deployment(chart.manifests)).toContain('{"name":"api-tls","secret":{"secretName":"tokens-example-com"}}');
    expect(deployment(chart.manifests)).toContain('{"name":"api-tls","mountPath":"/etc/mtlsd/api","readOnly":true}');
    for (const alone of ['api.enabled=true', 'api.tlsSecretName=tokens']) expect(deployment(await renderChart(['--set', alone]))).not.toContain('api-tls');
    await vi.waitFor(async () => expect(await shown(port, next.roots)).toBe(bare(next.cert.slice(0, next.cert.indexOf('-----END')))), patience);
    await mint(audience);
  });

  test('and the process tells every metric that the page names, of nobody by name', async () => {
    await mint(audience);
    const { text } = await controller.probe('/metrics');
    expect(unlikePage('controller', text, ['shop/', 'cart', 'kube'])).toEqual([]);
    expect(text).toMatch(/^mtlsd_tokens_total\{kind="request",outcome="issued"\} [1-9]/mu);
    expect(text).toContain('mtlsd_jwt_keys{trust_domain="shop.example",state="Active"} 1');
    expect(text).toMatch(/^mtlsd_jwt_key_end_timestamp_seconds\{trust_domain="shop\.example"\} 1\.?\d+/mu);
  });
});
