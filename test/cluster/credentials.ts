/**
 * The secrets of one test cluster: a certificate authority, the API server's serving certificate, the key that signs
 * service account tokens, the administrator's token. Made new for each cluster, readable by its owner only.
 */
import { execFile } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';

const run = promisify(execFile);
const validDays = '365';
// Names under which the API server is reached: from this machine, and from pods by the service's name.
const servingNames = 'IP:127.0.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc';

/** Files in the cluster's `pki` folder, absolute. */
export interface Credentials {
  readonly caFile: string;
  readonly caKeyFile: string;
  readonly servingCertFile: string;
  readonly servingKeyFile: string;
  readonly serviceAccountKeyFile: string;
  /** `token,user,uid,"groups"` lines (--token-auth-file). */
  readonly tokenFile: string;
}

/** Where the credentials of a cluster are; says nothing about whether they exist. */
export function credentialsIn(folder: string): Credentials {
  return {
    caFile: join(folder, 'ca.crt'),
    caKeyFile: join(folder, 'ca.key'),
    servingCertFile: join(folder, 'apiserver.crt'),
    servingKeyFile: join(folder, 'apiserver.key'),
    serviceAccountKeyFile: join(folder, 'service-account.key'),
    tokenFile: join(folder, 'tokens.csv'),
  };
}

/**
 * Makes all of them and returns the administrator's token (group system:masters).
 * @throws {Error} when the openssl program is missing or fails
 */
export async function createCredentials(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const files = credentialsIn(folder);
  const token = randomBytes(24).toString('base64url');
  await Promise.all([
    writeFile(files.serviceAccountKeyFile, newKey(), { mode: 0o600 }),
    writeFile(files.caKeyFile, newKey(), { mode: 0o600 }),
    writeFile(files.servingKeyFile, newKey(), { mode: 0o600 }),
    writeFile(files.tokenFile, `${token},test-admin,test-admin,"system:masters"\n`, { mode: 0o600 }),
  ]);
  await createCertificates(folder, files);
  return token;
}

async function createCertificates(folder: string, files: Credentials): Promise<void> {
  const config = join(folder, 'openssl.cnf');
  await writeFile(
    config,
    [
      '[req]\ndistinguished_name=name\nprompt=no\n[name]\nCN=test-cluster',
      '[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash',
      `[serving]\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\nsubjectAltName=${servingNames}\n`,
    ].join('\n'),
  );
  const request = join(folder, 'apiserver.csr');
  const days = ['-days', validDays];
  await openssl(['req', '-x509', '-config', config, '-extensions', 'ca', '-key', files.caKeyFile, '-out', files.caFile, ...days]);
  await openssl(['req', '-new', '-config', config, '-subj', '/CN=kube-apiserver', '-key', files.servingKeyFile, '-out', request]);
  const serial = ['-set_serial', `0x${randomBytes(8).toString('hex')}`];
  const issuer = ['-CA', files.caFile, '-CAkey', files.caKeyFile, ...serial];
  const extensions = ['-extfile', config, '-extensions', 'serving'];
  await openssl(['x509', '-req', '-in', request, ...issuer, ...extensions, '-out', files.servingCertFile, ...days]);
}

/** What a client needs to talk to an API server as somebody. */
export interface KubeconfigEntry {
  readonly server: string;
  readonly caFile: string;
  readonly token: string;
  readonly namespace?: string;
}

/** Writes a kubeconfig with one context, `mtlsd-test`, which names the CA by its file. */
export async function writeKubeconfig(file: string, entry: KubeconfigEntry): Promise<void> {
  const name = 'mtlsd-test';
  const context = { cluster: name, user: name, ...(entry.namespace === undefined ? {} : { namespace: entry.namespace }) };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: entry.server, 'certificate-authority': entry.caFile } }],
    users: [{ name, user: { token: entry.token } }],
    contexts: [{ name, context }],
    'current-context': name,
  };
  await writeFile(file, stringify(config), { mode: 0o600 });
}

/** SEC 1 and not PKCS#8: kube-apiserver takes the service account key's public half from this file, and only from SEC 1. */
function newKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'sec1', format: 'pem' });
}

async function openssl(args: readonly string[]): Promise<void> {
  try {
    await run('openssl', args);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const what = missing ? 'the openssl program is not on PATH; install OpenSSL' : (error as Error).message;
    throw new Error(`the test cluster's certificates could not be made: ${what}`, { cause: error });
  }
}
