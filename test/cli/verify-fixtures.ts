import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type Command, CommanderError } from 'commander';
import { isMtlsdError } from '../../src/errors/index.ts';
import type { CliIo } from '../../src/cli/io.ts';

/** Real certificates by the openssl command, and a command of ours run over them: nothing here comes from our own builder. */

/** Found on the path, of whatever version. */
const command = 'openssl';

/** Extensions by their openssl name; `undefined` leaves one out. */
export type ExtensionValues = Readonly<Record<string, string | undefined>>;

export const cartId = 'spiffe://shop.example/ns/shop/sa/cart';

const soundLeaf: ExtensionValues = {
  basicConstraints: 'critical,CA:FALSE',
  keyUsage: 'critical,digitalSignature',
  extendedKeyUsage: 'serverAuth,clientAuth',
  subjectAltName: `critical,URI:${cartId}`,
  subjectKeyIdentifier: 'hash',
  authorityKeyIdentifier: 'keyid',
};
const soundIssuing: ExtensionValues = {
  basicConstraints: 'critical,CA:TRUE,pathlen:0',
  keyUsage: 'critical,keyCertSign,cRLSign',
  subjectKeyIdentifier: 'hash',
  authorityKeyIdentifier: 'keyid',
};
const soundRoot: ExtensionValues = { basicConstraints: 'critical,CA:TRUE', keyUsage: 'critical,keyCertSign', subjectKeyIdentifier: 'hash' };

/** What is made differently from a sound certificate. */
export interface Making {
  readonly extensions?: ExtensionValues;
  readonly subject?: string;
  /** `genpkey` arguments; default P-256. */
  readonly key?: readonly string[];
  /** `x509 -req` arguments, such as `-sha1`. */
  readonly sign?: readonly string[];
  readonly days?: number;
}

/** A certificate in a file, with its key beside it. */
export interface Made {
  readonly certificate: string;
  readonly key: string;
}

const p256 = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'];

/** A temporary folder in which openssl works. */
export class OpensslFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'mtlsd-cli-'));
  #count = 0;

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }

  /** Writes a file and says where. */
  write(name: string, content: string | Uint8Array): string {
    const file = join(this.path, name);
    writeFileSync(file, content);
    return file;
  }

  /** Files one behind the other, as a chain or a credential bundle. */
  join(name: string, ...files: readonly string[]): string {
    return this.write(name, files.map((file) => readFileSync(file, 'utf8')).join(''));
  }

  openssl(...args: readonly string[]): void {
    execFileSync(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  }

  key(args: readonly string[] = p256): string {
    const file = this.#fresh('key');
    this.openssl('genpkey', ...args, '-out', file);
    return file;
  }

  root(making: Making = {}): Made {
    return this.#make(undefined, 'CN=root', soundRoot, making);
  }

  issuing(root: Made, making: Making = {}): Made {
    return this.#make(root, 'CN=issuing', soundIssuing, making);
  }

  leaf(issuer: Made, making: Making = {}): Made {
    return this.#make(issuer, '', soundLeaf, making);
  }

  request(subject: string, subjectAltName: string, args: readonly string[] = []): Made {
    const key = this.key();
    const certificate = this.#fresh('csr');
    this.openssl('req', '-new', '-key', key, '-subj', subject, '-addext', `subjectAltName=${subjectAltName}`, '-out', certificate, ...args);
    return { certificate, key };
  }

  #fresh(extension: string): string {
    this.#count += 1;
    return join(this.path, `${this.#count}.${extension}`);
  }

  #make(issuer: Made | undefined, subject: string, sound: ExtensionValues, making: Making): Made {
    const key = this.key(making.key);
    const request = this.#fresh('csr');
    this.openssl('req', '-new', '-key', key, '-subj', `/${making.subject ?? subject}`, '-out', request);
    const lines = Object.entries({ ...sound, ...making.extensions }).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
    const extensions = this.#fresh('cnf');
    writeFileSync(extensions, `${lines.join('\n')}\n`);
    const certificate = this.#fresh('crt');
    const signer = issuer === undefined ? ['-signkey', key] : ['-CA', issuer.certificate, '-CAkey', issuer.key];
    const serial = `0x5a${String(this.#count).padStart(30, '0')}`;
    const days = String(making.days ?? 30);
    this.openssl('x509', '-req', '-in', request, ...signer, '-extfile', extensions, '-set_serial', serial, '-days', days, '-out', certificate, ...(making.sign ?? []));
    return { certificate, key };
  }
}

/** What a command did. */
export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Run {
  readonly nowMs: number;
  readonly stdin?: string | Uint8Array;
  readonly isTerminal?: boolean;
}

/** Runs one command of the command line in this process; errors end as they do in the program: told, with status 2. */
export async function runCli(make: (io: CliIo) => Command, args: readonly string[], { nowMs, stdin = '', isTerminal = false }: Run): Promise<Outcome> {
  let [exitCode, stdout, stderr] = [0, '', ''];
  const io: CliIo = {
    stdin: Readable.from([Buffer.from(stdin)]),
    stdout: (text) => void (stdout += text),
    stderr: (text) => void (stderr += text),
    isTerminal,
    nowMs: () => nowMs,
    setExitCode: (code) => void (exitCode = code),
  };
  try {
    await make(io).exitOverride().configureOutput({ writeOut: io.stdout, writeErr: io.stderr }).parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return { exitCode: error.exitCode === 0 ? 0 : 2, stdout, stderr };
    if (!isMtlsdError(error)) throw error;
    return { exitCode: 2, stdout, stderr: stderr + error.message };
  }
  return { exitCode, stdout, stderr };
}

/** Whether openssl is there. Without it these tests cannot run: on a person's machine that is said aloud, in CI it fails. */
export function opensslIsThere(): boolean {
  try {
    execFileSync(command, ['version'], { stdio: 'ignore' });
    return true;
  } catch (cause) {
    if (process.env['CI'] === 'true') throw new Error('openssl is needed for these tests', { cause });
    process.stderr.write('SKIPPED: tests of mtlsd inspect and verify need the openssl command\n');
    return false;
  }
}
