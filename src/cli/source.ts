import { isMtlsdError } from '../errors/index.ts';
import { type Certificate, openPkcs12, parseCertificate, type Pkcs12Content } from '../x509/index.ts';
import { type BundleDocument, type Credentials, readCredentials } from './credential-file.ts';
import type { CliIo } from './io.ts';
import { readInput, unusable } from './read-input.ts';
import { type ClientIdentity, isTlsUrl, parseTlsUrl, presentedBy, type PresentedByPeer } from './tls-peer.ts';

/** What a PKCS#12 file holds. */
export interface Keystore {
  readonly kind: 'keystore';
  readonly content: Pkcs12Content;
}

/** What a server presented. */
export interface Peer {
  readonly kind: 'peer';
  readonly presented: PresentedByPeer;
  readonly certificates: readonly Certificate[];
}

export type Source = Credentials | BundleDocument | Keystore | Peer;

/** Options that say how a source is opened. */
export interface SourceOptions {
  readonly passwordFile?: string;
  readonly serverName?: string;
  readonly clientIdentity?: string;
}

/** `PFX ::= SEQUENCE { version INTEGER 3, …` (RFC 7292 §4): no certificate, request or key begins like this. */
function isKeystore(bytes: Uint8Array): boolean {
  const first = bytes[1] ?? 0;
  const content = first < 0x80 ? 2 : 2 + (first & 0x7f);
  return bytes[0] === 0x30 && bytes[content] === 0x02 && bytes[content + 1] === 0x01 && bytes[content + 2] === 0x03;
}

/** One line break at the end does not count: editors and `echo` put it there. */
async function readPassword(io: CliIo, file: string): Promise<string> {
  return Buffer.from(await readInput(io, '--password-file', file)).toString('utf8').replace(/\r?\n$/u, '');
}

async function openKeystore(argument: string, name: string, bytes: Uint8Array, password: string | undefined): Promise<Keystore> {
  try {
    return { kind: 'keystore', content: await openPkcs12(bytes, password ?? '') };
  } catch (error) {
    if (!isMtlsdError(error)) throw error;
    if (error.code !== 'X509_KEYSTORE_PASSWORD') throw unusable(argument, `${name} is a PKCS#12 keystore. ${error.message} ${error.entry.remedy}`, error);
    const what = password === undefined ? 'has a password: give the file that it is in by --password-file.' : `is not opened by the password of --password-file: ${error.entry.remedy}`;
    throw unusable(password === undefined ? argument : '--password-file', `${name} is a PKCS#12 keystore and ${what}`, error);
  }
}

/** A key and its chain, for the client's side of a handshake. */
async function readIdentity(io: CliIo, file: string): Promise<ClientIdentity> {
  const argument = '--client-identity';
  const bytes = await readInput(io, argument, file);
  const content = readCredentials(argument, file, bytes);
  const isPair = content.kind === 'credentials' && content.encoding === 'PEM' && content.keys.length === 1 && content.keys[0]?.key !== undefined && content.certificates.length > 0;
  if (!isPair) throw unusable(argument, `${file} is no identity: give PEM with one private key (not encrypted) and its chain, such as credential-bundle.pem.`);
  const text = Buffer.from(bytes).toString('utf8');
  return { key: text, certificates: text };
}

function presentedCertificate(url: string, der: Uint8Array, index: number): Certificate {
  try {
    return parseCertificate(der);
  } catch (error) {
    if (!isMtlsdError(error)) throw error;
    throw unusable('FILE', `Certificate ${index + 1} that ${url} presented cannot be read: ${error.message} ${error.entry.remedy}`, error);
  }
}

async function readPeer(io: CliIo, url: string, { serverName, clientIdentity }: SourceOptions): Promise<Peer> {
  const address = parseTlsUrl(url, serverName);
  const identity = clientIdentity === undefined ? undefined : await readIdentity(io, clientIdentity);
  const presented = await presentedBy(address, identity);
  return { kind: 'peer', presented, certificates: presented.certificates.map((der, index) => presentedCertificate(url, der, index)) };
}

function refuseForFile({ serverName, clientIdentity }: SourceOptions): void {
  const option = serverName === undefined ? (clientIdentity === undefined ? undefined : '--client-identity') : '--server-name';
  if (option !== undefined) throw unusable(option, `${option} is for servers: name one as tls://HOST:PORT, or leave the option out.`);
}

/** What FILE is called in messages. */
export function sourceName(file: string): string {
  return file === '-' ? 'standard input' : file;
}

/**
 * What `file` names: a file, standard input (`-`) or a server (`tls://HOST:PORT`), opened and parsed.
 *
 * @throws MtlsdError `CONFIGURATION_INVALID`, `TLS_PEER_UNAVAILABLE`, whose messages say what to give or check
 */
export async function readSource(io: CliIo, file: string, options: SourceOptions): Promise<Source> {
  if (isTlsUrl(file)) return readPeer(io, file, options);
  refuseForFile(options);
  return readFileSource(io, 'FILE', file, options.passwordFile);
}

/** As `readSource`, for an argument that names no server. */
export async function readFileSource(io: CliIo, argument: string, file: string, passwordFile: string | undefined): Promise<Credentials | BundleDocument | Keystore> {
  const name = sourceName(file);
  const bytes = await readInput(io, argument, file);
  if (!isKeystore(bytes)) return readCredentials(argument, name, bytes);
  return openKeystore(argument, name, bytes, passwordFile === undefined ? undefined : await readPassword(io, passwordFile));
}
