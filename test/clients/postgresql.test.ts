import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, chownSync, copyFileSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { Command } from '../standalone/command.ts';
import { identity, Sandbox, trustDomain } from '../standalone/sandbox.ts';
import type { Talk } from './probe.ts';
import { ConfiguredPage } from './proxy-run.ts';
import { postgresFolder, serversThere } from './servers.ts';
import { hostOf, type Name } from './site.ts';
import { testStack } from './stack-tests.ts';

const page = 'postgresql';
const ready = serversThere(page, 'postgres');
const path = `${postgresFolder}:${process.env['PATH'] ?? ''}`;

/** PostgreSQL refuses to run as root; then its own user is there, made by its package. */
const uid = process.getuid?.() === 0 && ready ? Number(execFileSync('id', ['-u', 'postgres'], { encoding: 'utf8' })) : undefined;
const asPostgres = uid === undefined ? {} : { uid, gid: uid };
const owner = uid === undefined ? undefined : { annotations: { 'mtlsd.io/file-owner': `${uid}:${uid}`, 'mtlsd.io/file-mode': '0600' } };
const withCommonName = (name: Name) => ({ commonName: hostOf(name) });

const startup = 'user\0checkout\0database\0postgres\0\0';

/** Asks for TLS as libpq does: a length and a magic number; the server answers S. */
async function askForTls(socket: Socket): Promise<void> {
  socket.write(Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]));
  const [answer] = (await once(socket, 'data')) as [Buffer];
  if (answer.toString() !== 'S') throw new Error(`the server has no TLS: ${answer.toString('hex')}`);
}

/** Logs in and leaves: whoever is admitted is told the server's settings. */
function login(): Uint8Array {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(startup.length + 8);
  return Buffer.concat([length, Buffer.from([0, 3, 0, 0]), Buffer.from(startup), Buffer.from([0x58, 0, 0, 0, 4])]);
}

function talk(port: number): Talk {
  const toldSerial = (line: string): bigint | undefined => {
    const told = /^\/CN=checkout\.shop\.svc\|(\d+)$/u.exec(line);
    return told === null ? undefined : BigInt(told[1] ?? '');
  };
  return { port, greeting: 'server_version', prelude: askForTls, request: login(), toldSerial };
}

/** A database of its own, with the role that the page maps the client to. */
function makeDatabase(folder: string): void {
  const options = { cwd: folder, env: { ...process.env, PATH: path, LC_ALL: 'C' }, stdio: 'pipe' as const, ...asPostgres };
  execFileSync(join(postgresFolder, 'initdb'), ['--pgdata', join(folder, 'data'), '--auth', 'reject', '--no-sync', '--username', 'owner'], options);
  execFileSync(join(postgresFolder, 'postgres'), ['--single', '-D', join(folder, 'data'), 'postgres'], { ...options, input: 'create role checkout login;create role stranger login\n' });
}

/** Puts the page's lines where PostgreSQL reads them. */
function configure(run: string, port: number): void {
  const own = `\nport = ${port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = off\n`;
  appendFileSync(join(run, 'data', 'postgresql.conf'), readFileSync(join(run, 'postgresql.conf'), 'utf8') + own);
  for (const file of ['pg_hba.conf', 'pg_ident.conf']) copyFileSync(join(run, file), join(run, 'data', file));
}

testStack({
  page,
  ready,
  talk,
  wishes: { cart: owner === undefined ? {} : { secretTemplate: owner }, checkout: withCommonName('checkout'), stranger: withCommonName('stranger') },
  build: async (folder) => {
    const files = await ConfiguredPage.save(page, folder);
    chmodSync(folder, 0o755);
    const start = (commands: string, cwd: string, env: NodeJS.ProcessEnv, user?: number): Command =>
      new Command('sh', ['-c', commands], { cwd, env: { ...process.env, ...env, PATH: path }, ...(user === undefined ? {} : { uid: user }) });
    return {
      serve: (identity, port) => {
        // The folder of the test is for its own user alone: a real one lets the user of the server in.
        chmodSync(dirname(dirname(dirname(dirname(identity)))), 0o755);
        const run = files.fillIn(identity, () => ({}));
        if (uid !== undefined) chownSync(run, uid, uid);
        makeDatabase(run);
        configure(run, port);
        return start('sh reload.sh & exec postgres -D data', run, { PGDATA: join(run, 'data') }, uid);
      },
      call: (identity, port, server) => start('exec sh call.sh', files.fillIn(identity, () => ({ 'port=5432': `port=${port}`, [`host=${hostOf('cart')}`]: `host=${hostOf(server)}` })), {}),
    };
  },
});

test('docs/clients/postgresql.md: a common name that is the DNS name of another namespace is refused, any other is granted', async () => {
  const commonName = 'checkout.shop.svc';
  const elsewhere = { namespace: 'elsewhere' };
  await using sandbox = new Sandbox();
  sandbox.write('all.yaml', trustDomain(), identity('alone', { commonName }, elsewhere), identity('listed', { commonName, dnsNames: [commonName] }, elsewhere), identity('plain', { commonName: 'checkout' }, elsewhere));
  await sandbox.once();
  expect(sandbox.identity('alone', 'elsewhere').read()).toBeUndefined();
  expect(sandbox.identity('listed', 'elsewhere').read()).toBeUndefined();
  expect(sandbox.identity('plain', 'elsewhere').now().leaf.subject).toBe('CN=checkout');
});
