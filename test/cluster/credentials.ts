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
  /** Client certificate of the API server, for kubelet; only in a cluster with a node. */
  readonly kubeletClientCertFile: string;
  readonly kubeletClientKeyFile: string;
  /** Client certificate of the node (`system:node:…`), for the API server; only in a cluster with a node. */
  readonly nodeCertFile: string;
  readonly nodeKeyFile: string;
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
    kubeletClientCertFile: join(folder, 'kubelet-client.crt'),
    kubeletClientKeyFile: join(folder, 'kubelet-client.key'),
    nodeCertFile: join(folder, 'node.crt'),
    nodeKeyFile: join(folder, 'node.key'),
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
      `[serving]\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\nsubjectAltName=${servingNames}`,
      '[client]\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n',
    ].join('\n'),
  );
  await openssl(['req', '-x509', '-config', config, '-extensions', 'ca', '-key', files.caKeyFile, '-out', files.caFile, '-days', validDays]);
  await issue(folder, { subject: '/CN=kube-apiserver', use: 'serving', keyFile: files.servingKeyFile, certFile: files.servingCertFile });
}

/** Client certificates of the API server and of a node, for each other. */
export async function createNodeCredentials(folder: string, nodeName: string): Promise<void> {
  const files = credentialsIn(folder);
  await Promise.all([files.kubeletClientKeyFile, files.nodeKeyFile].map((file) => writeFile(file, newKey(), { mode: 0o600 })));
  const [client, node] = ['/CN=kube-apiserver', `/O=system:nodes/CN=system:node:${nodeName}`];
  await issue(folder, { subject: client, use: 'client', keyFile: files.kubeletClientKeyFile, certFile: files.kubeletClientCertFile });
  await issue(folder, { subject: node, use: 'client', keyFile: files.nodeKeyFile, certFile: files.nodeCertFile });
}

interface Wanted {
  readonly subject: string;
  /** A section of the configuration. */
  readonly use: 'serving' | 'client';
  readonly keyFile: string;
  readonly certFile: string;
}

async function issue(folder: string, { subject, use, keyFile, certFile }: Wanted): Promise<void> {
  const files = credentialsIn(folder);
  const config = join(folder, 'openssl.cnf');
  const request = `${keyFile}.csr`;
  await openssl(['req', '-new', '-config', config, '-subj', subject, '-key', keyFile, '-out', request]);
  const serial = ['-set_serial', `0x${randomBytes(8).toString('hex')}`];
  const issuer = ['-CA', files.caFile, '-CAkey', files.caKeyFile, ...serial];
  await openssl(['x509', '-req', '-in', request, ...issuer, '-extfile', config, '-extensions', use, '-out', certFile, '-days', validDays]);
}

/** What a client needs to talk to an API server as somebody. */
export interface KubeconfigEntry {
  readonly server: string;
  readonly caFile: string;
  readonly token: string;
  readonly namespace?: string;
}

/** Writes a kubeconfig with one context, `mtlsd-test`, which names the CA by its file. */
export async function writeKubeconfig(file: string, { token, ...place }: KubeconfigEntry): Promise<void> {
  await writeConfig(file, place, { token });
}

/** Writes the node's own, which names its client certificate by its files. */
export async function writeNodeKubeconfig(file: string, server: string, files: Credentials): Promise<void> {
  const user = { 'client-certificate': files.nodeCertFile, 'client-key': files.nodeKeyFile };
  await writeConfig(file, { server, caFile: files.caFile }, user);
}

async function writeConfig(file: string, place: Omit<KubeconfigEntry, 'token'>, user: Readonly<Record<string, string>>): Promise<void> {
  const name = 'mtlsd-test';
  const context = { cluster: name, user: name, ...(place.namespace === undefined ? {} : { namespace: place.namespace }) };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: place.server, 'certificate-authority': place.caFile } }],
    users: [{ name, user }],
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
