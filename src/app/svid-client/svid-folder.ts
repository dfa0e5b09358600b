import { mkdir, readdir } from 'node:fs/promises';
import { MtlsdError } from '../../errors/index.ts';
import { Disk, readFiles, readMeta, sweepGenerations, writeGeneration } from '../../store/directory/index.ts';
import type { FetchedJwt } from './request-jwt.ts';
import type { FetchedSvid } from './request-svid.ts';

/** What a folder says about the SVID in it. Times in milliseconds since the epoch. */
export type KeptSvid = Pick<FetchedSvid, 'spiffeId' | 'notAfterMs' | 'refreshAtMs'>;

/** What a folder says about the JWT-SVID in it. */
export type KeptJwt = Pick<FetchedJwt, 'audience' | 'expiresAtMs' | 'refreshAtMs'>;

/** Everything in a folder, of one identity. */
interface Contents {
  readonly svid: KeptSvid;
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly jwt: { readonly kept: KeptJwt; readonly bytes: Uint8Array } | undefined;
}

const svidNames = ['bundle.json', 'ca.crt', 'credential-bundle.pem', 'tls.crt', 'tls.key'] as const;
const jwtName = 'jwt_svid.token';
const names: readonly string[] = [...svidNames, jwtName];
const secret: ReadonlySet<string> = new Set(['tls.key', 'credential-bundle.pem', jwtName]);

/** A folder with one SVID in kubelet's layout: all its files change at once, and what is there is whole whenever we end. */
export class SvidFolder {
  readonly #disk = new Disk();
  readonly #folder: string;
  #generation: number;
  #contents: Contents | undefined;

  private constructor(folder: string, generation: number, contents: Contents | undefined) {
    this.#folder = folder;
    this.#generation = generation;
    this.#contents = contents;
  }

  /**
   * Makes the folder where there is none, and brings it in order after a crash.
   * @param audience of the JWT-SVID that is kept; one for another is not, nor is any where this is undefined
   * @throws MtlsdError CONFIGURATION_INVALID
   */
  static async open(folder: string, audience: string | undefined): Promise<SvidFolder> {
    try {
      await mkdir(folder, { recursive: true, mode: 0o755 });
      const entries = await readdir(folder);
      const foreign = entries.filter((name) => !name.startsWith('..') && !names.includes(name));
      if (foreign.length > 0) throw unusable(folder, `it holds ${foreign.slice(0, 3).join(', ')}, which is not ours: name a folder of its own`);
      await sweepGenerations(new Disk(), folder);
      const newest = Math.max(0, ...(await readdir(folder)).map((name) => Number(/^\.\.v(\d+)/u.exec(name)?.[1] ?? 0)));
      return new SvidFolder(folder, newest, contentsOf(await readMeta(folder), await readFiles(folder, names), audience));
    } catch (error) {
      if (error instanceof MtlsdError) throw error;
      throw unusable(folder, `${(error as NodeJS.ErrnoException).code ?? 'unknown error'}: check the path and its mode`, error);
    }
  }

  /** The SVID that is there; undefined when there is none, or a file of it is missing. */
  get svid(): KeptSvid | undefined {
    return this.#contents?.svid;
  }

  /** The roots that are there, PEM. */
  get rootsPem(): string {
    return Buffer.from(this.#contents?.files.get('ca.crt') ?? []).toString('utf8');
  }

  /** The JWT-SVID that is there beside it. */
  get jwt(): KeptJwt | undefined {
    return this.#contents?.jwt?.kept;
  }

  /** Writes what is given over what is there, and keeps the rest of the same identity. @throws what the disk says */
  async write({ svid, jwt }: { readonly svid?: FetchedSvid | undefined; readonly jwt?: FetchedJwt | undefined }): Promise<void> {
    const contents = merged(this.#contents, svid, jwt);
    this.#generation += 1;
    const all = new Map(contents.files);
    if (contents.jwt !== undefined) all.set(jwtName, contents.jwt.bytes);
    const files = [...all].map(([name, bytes]) => ({ name, bytes, access: { mode: secret.has(name) ? 0o600 : 0o644 } }));
    // The label says what a person sees in the folder; no path of it is ever taken apart again.
    await writeGeneration(this.#disk, this.#folder, `${this.#generation}-svid`, `${metaOf(contents)}\n`, files);
    this.#contents = contents;
  }
}

function merged(before: Contents | undefined, svid: FetchedSvid | undefined, jwt: FetchedJwt | undefined): Contents {
  const fresh = svid === undefined ? before : { svid, files: filesOf(svid) };
  if (fresh === undefined) throw new Error('invariant broken: a JWT-SVID stands beside an X.509-SVID');
  if (jwt !== undefined) return { ...fresh, jwt: { kept: jwt, bytes: Buffer.from(`${jwt.token}\n`, 'utf8') } };
  return { ...fresh, jwt: fresh.svid.spiffeId === before?.svid.spiffeId ? before.jwt : undefined };
}

function filesOf({ keyPem, chainPem, rootsPem, bundleJson }: FetchedSvid): ReadonlyMap<string, Uint8Array> {
  const texts: Readonly<Record<(typeof svidNames)[number], string>> = { 'bundle.json': bundleJson, 'ca.crt': rootsPem, 'credential-bundle.pem': keyPem + chainPem, 'tls.crt': chainPem, 'tls.key': keyPem };
  return new Map(svidNames.map((name) => [name, Buffer.from(texts[name], 'utf8')]));
}

interface Meta extends Partial<Record<'spiffeId' | 'notAfter' | 'refreshAt', string>> {
  readonly jwt?: Partial<Record<'audience' | 'expiresAt' | 'refreshAt', string>>;
}

function metaOf({ svid, jwt }: Contents): string {
  const instant = (ms: number): string => new Date(ms).toISOString();
  const meta: Meta = { spiffeId: svid.spiffeId, notAfter: instant(svid.notAfterMs), refreshAt: instant(svid.refreshAtMs) };
  return JSON.stringify(jwt === undefined ? meta : { ...meta, jwt: { audience: jwt.kept.audience, expiresAt: instant(jwt.kept.expiresAtMs), refreshAt: instant(jwt.kept.refreshAtMs) } });
}

function contentsOf(meta: string | undefined, found: ReadonlyMap<string, Uint8Array>, audience: string | undefined): Contents | undefined {
  const files = new Map([...found].filter(([name]) => name !== jwtName));
  if (meta === undefined || files.size < svidNames.length) return undefined;
  try {
    const { spiffeId, notAfter, refreshAt, jwt } = JSON.parse(meta) as Meta;
    const [notAfterMs, refreshAtMs] = [Date.parse(notAfter ?? ''), Date.parse(refreshAt ?? '')];
    if (spiffeId === undefined || Number.isNaN(notAfterMs + refreshAtMs)) return undefined;
    return { svid: { spiffeId, notAfterMs, refreshAtMs }, files, jwt: jwtOf(jwt, found.get(jwtName), audience) };
  } catch {
    return undefined;
  }
}

function jwtOf(meta: Meta['jwt'], bytes: Uint8Array | undefined, audience: string | undefined): Contents['jwt'] {
  const [expiresAtMs, refreshAtMs] = [Date.parse(meta?.expiresAt ?? ''), Date.parse(meta?.refreshAt ?? '')];
  const usable = bytes !== undefined && audience !== undefined && meta?.audience === audience && !Number.isNaN(expiresAtMs + refreshAtMs);
  return usable ? { kept: { audience, expiresAtMs, refreshAtMs }, bytes } : undefined;
}

function unusable(folder: string, why: string, cause?: unknown): MtlsdError<'CONFIGURATION_INVALID'> {
  return new MtlsdError('CONFIGURATION_INVALID', `${folder} cannot be used: ${why}.`, { details: { option: '--out' }, cause });
}
