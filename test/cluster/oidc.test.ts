/**
 * JWT-SVIDs before a real API server: with the file of docs/operate/oidc.md it finds their keys by discovery, over TLS with a
 * certificate that is none of ours, and knows whom they stand for.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { unlikePage } from '../app/metrics-page.ts';
import { makeWebPair } from '../x509/web-pair.ts';
import { ControllerProcess } from './controller-process.ts';
import { identity, isReady, paths, says, Site, trustDomain } from './controller-site.ts';
import { freePorts } from './ports.ts';

interface AuthenticationFile {
  readonly jwt: readonly [{ readonly issuer: { readonly url: string; readonly audiences: readonly [string] } }];
}

const patience = { timeout: 30_000, interval: 200 };
const page = await readFile(join(import.meta.dirname, '..', '..', 'docs', 'operate', 'oidc.md'), 'utf8');
/** The manifest of that kind on the page. */
const onPage = (kind: string): unknown => parse([...page.matchAll(/^```yaml fragment\n([^]*?)^```$/gmu)].map(([, text = '']) => text).find((text) => text.includes(`kind: ${kind}\n`)) ?? '');

describe('an API server that is told of the issuer', () => {
  const parts = new AsyncDisposableStack();
  const { jwt, ...file } = onPage('AuthenticationConfiguration') as AuthenticationFile;
  const [entry] = jwt;
  const [audience] = entry.issuer.audiences;
  let site: Site;
  let controller: ControllerProcess;
  let url: string;
  let mint: (audience: string) => Promise<string>;

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mtlsd-oidc-'));
    parts.defer(() => rm(folder, { recursive: true }));
    const [pair, [port = 0]] = await Promise.all([makeWebPair(), freePorts(1)]);
    url = `https://localhost:${port}/shop.example`;
    const at = (name: string): string => join(folder, name);
    await writeFile(at('authentication.yaml'), stringify({ ...file, jwt: [{ ...entry, issuer: { ...entry.issuer, url, certificateAuthority: pair.roots } }] }));
    await Promise.all([writeFile(at('tls.key'), pair.key), writeFile(at('tls.crt'), pair.cert)]);
    site = parts.use(await Site.open({ apiServerFlags: [`--authentication-config=${at('authentication.yaml')}`] }));
    await site.addNamespace('shop', ['cart']);
    controller = parts.use(ControllerProcess.start(site.kubeconfig, ['--api-listen', `localhost:${port}`, '--api-tls-cert', at('tls.crt'), '--api-tls-key', at('tls.key')]));
    await controller.leads();
    await site.apply(trustDomain('shop.example', { jwt: { issuer: url } }), identity('shop', 'cart'));
    await site.see(paths.identity('shop', 'cart'), isReady);

    const agent = new Agent({ connect: { ca: pair.roots } });
    parts.defer(() => agent.destroy());
    const account = (await site.kubectl(['create', 'token', 'cart', '--namespace', 'shop', '--audience', 'mtlsd'])).trim();
    mint = async (wanted) => {
      const { statusCode, body } = await request(`https://localhost:${port}/v1/svids/jwt`, { method: 'POST', dispatcher: agent, headers: { authorization: `Bearer ${account}`, 'content-type': 'application/json' }, body: JSON.stringify({ audience: wanted }) });
      const answer = (await body.json()) as { readonly token?: string };
      if (answer.token === undefined) throw new Error(`${statusCode} ${JSON.stringify(answer)}`);
      return answer.token;
    };
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

  test('and the process tells every metric that the page names, of nobody by name', async () => {
    await mint(audience);
    const { text } = await controller.probe('/metrics');
    expect(unlikePage('controller', text, ['shop/', 'cart', 'kube'])).toEqual([]);
    expect(text).toMatch(/^mtlsd_tokens_total\{kind="request",outcome="issued"\} [1-9]/mu);
    expect(text).toContain('mtlsd_jwt_keys{trust_domain="shop.example",state="Active"} 1');
    expect(text).toMatch(/^mtlsd_jwt_key_end_timestamp_seconds\{trust_domain="shop\.example"\} 1\.?\d+/mu);
  });
});
