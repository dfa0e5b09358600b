/** The variables that injection sets are those that TLS stacks read: with them a client trusts a server of the trust domain by its DNS name, without them it does not. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { environmentOf, mountPath } from '../../src/injection/names.ts';
import { requirementsMet } from '../conformance/requirements.ts';
import { hostOf, Site } from './site.ts';

const name = hostOf('cart');

/** What a client does that says nothing of trust: it asks the server on this port, by the name of the service. */
const clients = {
  node: (port: number) => [process.execPath, '-e', `require('https').get({host: '127.0.0.1', port: ${port}, servername: '${name}', headers: {host: '${name}'}, agent: false}, (r) => r.resume()).on('error', (e) => { console.error(e.code); process.exit(1); })`],
  openssl: (port: number) => ['openssl', 's_client', '-connect', `127.0.0.1:${port}`, '-servername', name, '-verify_hostname', name, '-verify_return_error', '-brief'],
  python: (port: number) => ['python3', '-c', `import socket, ssl; ssl.create_default_context().wrap_socket(socket.create_connection(('127.0.0.1', ${port})), server_hostname='${name}').close()`],
} as const;

const ready = {
  openssl: await requirementsMet('variables that OpenSSL reads', ['openssl'], process.env),
  python: await requirementsMet('variables that Python reads', ['python'], process.env),
};

describe('the variables of injected pods', () => {
  let site: Site;
  let server: Server;
  let port: number;

  beforeAll(async () => {
    site = await Site.open();
    const read = (file: string): Buffer => readFileSync(join(site.folder('cart'), file));
    server = createServer({ cert: read('tls.crt'), key: read('tls.key') }, (_request, response) => response.end('hello'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(async () => {
    server.close();
    await site[Symbol.asyncDispose]();
  });

  /** The variables as they are in a pod, with this folder in the place of the mount. */
  function variables(choice: 'minimal' | 'additive' | 'all'): Record<string, string> {
    return Object.fromEntries(environmentOf('secret', 'shop.example', choice).map((each) => [each.name, each.value.replace(mountPath, site.folder('cart'))]));
  }

  async function trusts(client: keyof typeof clients, choice: 'minimal' | 'additive' | 'all'): Promise<boolean> {
    const [program = '', ...args] = clients[client](port);
    const inherited = Object.fromEntries(Object.entries(process.env).filter(([key]) => !/^(?:NODE_|SSL_CERT)/u.test(key)));
    return new Promise((resolve) => {
      const child = execFile(program, args, { env: { ...inherited, ...variables(choice) }, timeout: 60_000 }, (error) => resolve(error === null));
      child.stdin?.end();
    });
  }

  test('name files that are there', () => {
    for (const [key, value] of Object.entries(variables('all'))) if (key !== 'MTLSD_TRUST_DOMAIN') expect(readFileSync(value).length).toBeGreaterThan(100);
  });

  test('Node adds the roots, unless nothing was to be added', async () => {
    expect(await trusts('node', 'minimal')).toBe(false);
    expect(await trusts('node', 'additive')).toBe(true);
  });

  describe.each(['openssl', 'python'] as const)('%s', (client) => {
    test.skipIf(!ready[client])('trusts them when all variables are asked for, and not before', async () => {
      expect(await trusts(client, 'additive')).toBe(false);
      expect(await trusts(client, 'all')).toBe(true);
    });
  });
});
