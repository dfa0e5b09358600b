import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MtlsdError } from '../../errors/index.ts';
import { Disk, readFiles, readMeta, sweepGenerations, writeGeneration } from '../../store/directory/index.ts';
import type { FetchedSvid } from './request-svid.ts';

/** What a folder says about the SVID in it. Times in milliseconds since the epoch. */
export interface KeptSvid {
  readonly spiffeId: string;
  readonly notAfterMs: number;
  readonly refreshAtMs: number;
}

const names = ['bundle.json', 'ca.crt', 'credential-bundle.pem', 'tls.crt', 'tls.key'] as const;
const secret: ReadonlySet<string> = new Set(['tls.key', 'credential-bundle.pem']);

/** A folder with one SVID in kubelet's layout: all its files change at once, and what is there is whole whenever we end. */
export class SvidFolder {
  readonly #disk = new Disk();
  readonly #folder: string;
  #generation: number;

  private constructor(folder: string, generation: number) {
    this.#folder = folder;
    this.#generation = generation;
  }

  /** Makes the folder where there is none, and brings it in order after a crash. @throws MtlsdError CONFIGURATION_INVALID */
  static async open(folder: string): Promise<SvidFolder> {
    try {
      await mkdir(folder, { recursive: true, mode: 0o755 });
      const entries = await readdir(folder);
      const foreign = entries.filter((name) => !name.startsWith('..') && !(names as readonly string[]).includes(name));
      if (foreign.length > 0) throw unusable(folder, `it holds ${foreign.slice(0, 3).join(', ')}, which is not ours: name a folder of its own`);
      await sweepGenerations(new Disk(), folder);
      const newest = Math.max(0, ...(await readdir(folder)).map((name) => Number(/^\.\.v(\d+)/u.exec(name)?.[1] ?? 0)));
      return new SvidFolder(folder, newest);
    } catch (error) {
      if (error instanceof MtlsdError) throw error;
      throw unusable(folder, `${(error as NodeJS.ErrnoException).code ?? 'unknown error'}: check the path and its mode`, error);
    }
  }

  /** The SVID that is there; undefined when there is none, or a file of it is missing. */
  async kept(): Promise<KeptSvid | undefined> {
    const [meta, files] = await Promise.all([readMeta(this.#folder), readFiles(this.#folder, names)]);
    if (meta === undefined || files.size < names.length) return undefined;
    try {
      const { spiffeId, notAfter, refreshAt } = JSON.parse(meta) as Readonly<Record<string, string>>;
      const [notAfterMs, refreshAtMs] = [Date.parse(notAfter ?? ''), Date.parse(refreshAt ?? '')];
      return spiffeId === undefined || Number.isNaN(notAfterMs + refreshAtMs) ? undefined : { spiffeId, notAfterMs, refreshAtMs };
    } catch {
      return undefined;
    }
  }

  /** @throws MtlsdError STORE_… no; what the disk says */
  async write({ spiffeId, keyPem, chainPem, rootsPem, bundleJson, notAfterMs, refreshAtMs }: FetchedSvid): Promise<void> {
    this.#generation += 1;
    const texts: Readonly<Record<(typeof names)[number], string>> = { 'bundle.json': bundleJson, 'ca.crt': rootsPem, 'credential-bundle.pem': keyPem + chainPem, 'tls.crt': chainPem, 'tls.key': keyPem };
    const files = names.map((name) => ({ name, bytes: Buffer.from(texts[name], 'utf8'), access: { mode: secret.has(name) ? 0o600 : 0o644 } }));
    const meta = JSON.stringify({ spiffeId, notAfter: new Date(notAfterMs).toISOString(), refreshAt: new Date(refreshAtMs).toISOString() });
    // The label says what a person sees in the folder; no path of it is ever taken apart again.
    await writeGeneration(this.#disk, this.#folder, `${this.#generation}-svid`, `${meta}\n`, files);
  }

  /** Where a file of it is. */
  path(name: (typeof names)[number]): string {
    return join(this.#folder, name);
  }
}

function unusable(folder: string, why: string, cause?: unknown): MtlsdError<'CONFIGURATION_INVALID'> {
  return new MtlsdError('CONFIGURATION_INVALID', `${folder} cannot be used: ${why}.`, { details: { option: '--out' }, cause });
}
