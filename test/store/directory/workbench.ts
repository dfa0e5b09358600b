import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Draft, Secret } from '../../../src/resources/index.ts';
import { openDirectoryStore, type DirectoryStore, type DirectoryStoreOptions } from '../../../src/store/directory/index.ts';
import { isMtlsdError, type ErrorCode, type MtlsdError } from '../../../src/errors/index.ts';
import type { Precondition } from '../../../src/store/port.ts';

/** Three folders of a standalone mtlsd, and shorthands to look into them. */
export class Workbench implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), 'mtlsd-store-'));
  readonly manifests = join(this.root, 'manifests');
  readonly out = join(this.root, 'out');
  readonly state = join(this.root, 'state');

  constructor() {
    mkdirSync(this.manifests);
  }

  async open(options: Partial<DirectoryStoreOptions> = {}): Promise<DirectoryStore> {
    const { manifests, out, state } = this;
    return openDirectoryStore({ manifests, out, state, nowMs: () => 1_800_000_000_000, newUid: () => randomUUID(), pid: process.pid, ...options });
  }

  /** Writes a manifest as `cat >` does: in place. */
  manifest(path: string, text: string | Uint8Array): void {
    const file = join(this.manifests, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  /** The folder that consumers of an identity read. */
  identity(name: string): string {
    return join(this.out, 'identities', 'shop', name);
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

export const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');

/** A Secret of an identity whose files all name the same generation. */
export function pair(identity: string, generation: number | string, extra: { readonly name?: string; readonly annotations?: Readonly<Record<string, string>>; readonly padding?: number } = {}): Draft<Secret> & { readonly kind: 'Secret' } {
  const filler = 'x'.repeat(extra.padding ?? 0);
  const [key, certificate] = [`key ${generation}\n${filler}`, `certificate ${generation}\n${filler}`];
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: {
      namespace: 'shop',
      name: extra.name ?? `${identity}-mtls`,
      labels: { 'app.kubernetes.io/managed-by': 'mtlsd' },
      annotations: { 'mtlsd.io/identity': identity, generation: String(generation), ...extra.annotations },
    },
    data: { 'tls.crt': base64(certificate), 'tls.key': base64(key), 'credential-bundle.pem': base64(`${key}|${certificate}`) },
  };
}

/** A Secret of mtlsd itself. */
export function record(text: string): Draft<Secret> & { readonly kind: 'Secret' } {
  return { apiVersion: 'v1', kind: 'Secret', type: 'mtlsd.io/authorities', metadata: { namespace: 'mtlsd-system', name: 'mtlsd-authorities-shop.example' }, data: { record: base64(text) } };
}

export const precondition = ({ metadata }: { readonly metadata: Precondition }): Precondition => ({ uid: metadata.uid, resourceVersion: metadata.resourceVersion });

/** The generation of each file as a consumer finds them that resolves `..data` once; undefined when there is none. */
export function generationOf(folder: string): string | undefined {
  let target: string;
  try {
    target = readlinkSync(join(folder, '..data'));
  } catch {
    return undefined;
  }
  const read = (name: string) => readFileSync(join(folder, target, name), 'utf8');
  const [certificate, key, bundle] = [read('tls.crt'), read('tls.key'), read('credential-bundle.pem')];
  const generation = /^certificate (\S+)\n/u.exec(certificate)?.[1];
  if (generation === undefined || !key.startsWith(`key ${generation}\n`) || bundle !== `${key}|${certificate}`) throw new Error(`files of different generations: ${certificate.slice(0, 20)} / ${key.slice(0, 20)}`);
  return generation;
}

/** Everything below a folder, as sorted relative paths. */
export function tree(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted();
}

/** The error that a call ends with. */
export async function failure(call: Promise<unknown>): Promise<MtlsdError> {
  try {
    await call;
  } catch (error) {
    if (isMtlsdError(error)) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

/** The code of the error that a call ends with. */
export async function failureCode(call: Promise<unknown>): Promise<ErrorCode> {
  return (await failure(call)).code;
}
