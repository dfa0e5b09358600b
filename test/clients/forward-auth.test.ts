/** docs/clients/forward-auth.md: nginx and HAProxy ask mtlsd gateway, and nobody smuggles an identity past them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePorts } from '../cluster/ports.ts';
import { Command, mtlsd } from '../standalone/command.ts';
import { until } from '../standalone/wait.ts';
import { signingKey, token } from '../tokens/tokens.ts';
import { ConfiguredPage } from './proxy-run.ts';
import { serversThere } from './servers.ts';
import { Site } from './site.ts';

const page = 'forward-auth';
const ready = serversThere(page, 'nginx', 'haproxy', 'root');
const key = signingKey('ES256', 'one');

describe.skipIf(!ready)('a gateway that asks mtlsd gateway', () => {
  let folder: string;
  let site: Site;
  let run: string;
  let gateway: Command;
  let seen: IncomingHttpHeaders[];
  const application = createServer((incoming, response) => {
    seen.push(incoming.headers);
    response.end('hello');
  });
  let [edge, behind, gatewayPort, inside] = [0, 0, 0, 0];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mtlsd-forward-auth-'));
    site = await Site.open();
    [edge = 0, behind = 0, gatewayPort = 0, inside = 0] = await freePorts(4);
    application.listen(behind, '127.0.0.1');
    const files = await ConfiguredPage.save(page, folder);
    run = files.fillIn(site.folder('checkout'), (here) => ({ ':8080': `:${edge}`, ':9000': `:${behind}`, ':8444': `:${gatewayPort}`, ':8445': `:${inside}`, '/run/nginx.pid': join(here, 'nginx.pid') }));
    writeFileSync(join(run, 'keys.json'), JSON.stringify({ keys: [key.jwk] }));
    const config = join(run, 'gateway.yaml');
    writeFileSync(config, readFileSync(config, 'utf8').replace(/keySet: .*/u, `keySetFile: ${join(run, 'keys.json')}`));
    gateway = new Command(mtlsd, ['gateway', '--config', config, '--identity', site.folder('cart'), '--listen', `127.0.0.1:${gatewayPort}`]);
    await gateway.says('judging tokens for gateways');
  });

  afterAll(async () => {
    await gateway[Symbol.asyncDispose]();
    application.close();
    await site[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  const bearer = (part: object = {}): string => {
    const now = Math.floor(Date.now() / 1000);
    return `Bearer ${token(key, { iss: 'https://issuer.example', sub: 'service-7', aud: 'orders', iat: now, exp: now + 300, scope: 'orders.read', ...part })}`;
  };
  const get = (headers: Readonly<Record<string, string>>): Promise<{ readonly status: number; readonly challenge: string | undefined }> =>
    new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port: edge, headers }, (response) => {
        response.resume().on('end', () => resolve({ status: response.statusCode ?? 0, challenge: response.headers['www-authenticate'] }));
      })
        .on('error', reject)
        .end();
    });

  describe.each([
    ['nginx', () => new Command('nginx', ['-e', 'stderr', '-c', join(run, 'nginx.conf'), '-g', 'daemon off;'], { cwd: run })],
    ['HAProxy', () => new Command('haproxy', ['-f', 'haproxy.cfg'], { cwd: run })],
  ])('%s', (_name, start) => {
    let server: Command;
    beforeAll(async () => {
      server = start();
      seen = [];
      await until('it answers', () => get({}).then(() => true, () => undefined));
      await until('it reaches the gateway', async () => (await get({ authorization: bearer() })).status === 200 || undefined);
    });
    afterAll(() => server[Symbol.asyncDispose]());

    test('passes a request with a good token on, and says who calls', async () => {
      seen = [];
      expect(await get({ authorization: bearer(), 'x-auth-subject': 'admin', 'X-AUTH-SCOPES': 'everything' })).toMatchObject({ status: 200 });
      expect(seen).toHaveLength(1);
      expect(seen[0]).toMatchObject({ 'x-auth-subject': 'service-7', 'x-auth-issuer': 'https://issuer.example', 'x-auth-scopes': 'orders.read' });
      expect(seen[0]?.authorization).toBeUndefined();
      expect(JSON.stringify(seen)).not.toMatch(/admin|everything/u);
    });

    test('passes nothing else on, whatever identity it claims', async () => {
      seen = [];
      const smuggled = { 'x-auth-subject': 'admin', x_auth_subject: 'admin', 'x-auth-issuer': 'https://issuer.example' };
      expect(await get(smuggled)).toEqual({ status: 401, challenge: 'Bearer' });
      expect(await get({ ...smuggled, authorization: bearer({ aud: 'other' }) })).toEqual({ status: 401, challenge: 'Bearer error="invalid_token"' });
      expect(await get({ ...smuggled, authorization: bearer({ scope: 'orders.write' }) })).toMatchObject({ status: 403 });
      expect(seen).toEqual([]);
    });

    test('leaves no identity header of a caller in any spelling', async () => {
      seen = [];
      await get({ authorization: bearer(), x_auth_subject: 'admin', 'X-Auth-Other': 'admin', 'x-auth_scopes': 'admin' });
      const names = Object.entries(seen[0] ?? {}).filter(([, value]) => value === 'admin').map(([name]) => name.replaceAll('_', '-'));
      // A name that is none of the four is no identity header of ours.
      expect(names.filter((name) => ['x-auth-subject', 'x-auth-issuer', 'x-auth-scopes', 'x-auth-expires'].includes(name))).toEqual([]);
    });

    test('goes on while identities are renewed at the gateway', async () => {
      await site.renew('cart');
      for (let n = 0; n < 20; n += 1) expect(await get({ authorization: bearer() })).toMatchObject({ status: 200 });
    });
  });
});
