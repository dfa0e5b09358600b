/** What mtlsd delivers while roots are rotated, kept as files for judges: every leaf, and every bundle in whatever form it went out. */
import { execFile } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual, promisify } from 'node:util';
import type { Leaf, Meeting } from './judged.ts';

const run = promisify(execFile);

/** At one place of a rotation: leaves with what is in their files, bundles as PEM by where each was found. */
export interface Look {
  readonly leaves: readonly Leaf[];
  readonly bundles: Readonly<Record<string, string>>;
}

export class Delivered {
  /** A place of a rotation, with what was there at the place before as well: a workload may be as late as that. */
  readonly meetings: Meeting[] = [];
  /** Leaves by the serial number of each, files of bundles by what is in them. */
  readonly leaves = new Map<string, Leaf>();
  readonly bundles = new Map<string, string>();
  /** Where bundles were found, each with how many different ones. */
  readonly places = new Map<string, Set<string>>();
  readonly #kept: string;
  #before: Pick<Meeting, 'leaves' | 'bundles'> = { leaves: [], bundles: [] };

  /** @param kept a folder that is not there yet */
  constructor(kept: string) {
    this.#kept = kept;
    mkdirSync(kept);
  }

  meet(title: string, look: Look): void {
    const leaves = look.leaves.map((leaf) => this.#leaf(leaf));
    for (const [place, roots] of Object.entries(look.bundles)) this.places.set(place, (this.places.get(place) ?? new Set()).add(roots));
    const bundles = [...new Set(Object.values(look.bundles).map((roots) => this.#bundle(roots)))];
    const meeting = { title, leaves: [...new Set([...this.#before.leaves, ...leaves])], bundles: [...new Set([...this.#before.bundles, ...bundles])] };
    this.#before = { leaves, bundles };
    // At most places of a rotation nothing is other than at the one before.
    if (!this.meetings.some((known) => isDeepStrictEqual([known.leaves, known.bundles], [meeting.leaves, meeting.bundles]))) this.meetings.push(meeting);
  }

  #leaf(text: Leaf): Leaf {
    const { serialNumber } = new X509Certificate(text.chain);
    const leaf = this.leaves.get(serialNumber) ?? { ...text, chain: this.#write(`${serialNumber}.crt`, text.chain), key: this.#write(`${serialNumber}.key`, text.key) };
    this.leaves.set(serialNumber, leaf);
    return leaf;
  }

  #bundle(roots: string): string {
    const file = this.bundles.get(roots) ?? this.#write(`bundle-${createHash('sha256').update(roots).digest('hex')}.pem`, roots);
    this.bundles.set(roots, file);
    return file;
  }

  #write(name: string, content: string): string {
    const file = join(this.#kept, name);
    writeFileSync(file, content, { mode: 0o600 });
    return file;
  }
}

const pemOf = (ders: readonly Uint8Array[]): string => ders.map((der) => new X509Certificate(der).toString()).join('');

/** The X.509 roots in a SPIFFE bundle (SPIFFE-16: one certificate in each x5c). */
export function rootsOfSpiffeBundle(text: string): string {
  const { keys } = JSON.parse(text) as { readonly keys: readonly { readonly use: string; readonly x5c?: readonly string[] }[] };
  return pemOf(keys.filter(({ use }) => use === 'x509-svid').flatMap(({ x5c = [] }) => x5c.map((certificate) => Buffer.from(certificate, 'base64'))));
}

/** Certificates one after the other, as in ca.der. */
export function rootsOfDer(bytes: Uint8Array): string {
  const found: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += found.at(-1)?.length ?? bytes.length) {
    // A SEQUENCE of 256 to 65,535 bytes: 30 82, and two bytes of length.
    const [, , high = 0, low = 0] = bytes.subarray(at);
    found.push(bytes.subarray(at, at + 4 + high * 256 + low));
  }
  return pemOf(found);
}

/** What a trust store holds for Java, which is asked itself. */
export async function rootsOfTrustStore(file: string, password: string): Promise<string> {
  const { stdout } = await run('keytool', ['-list', '-rfc', '-keystore', file, '-storepass', password]);
  return pemOf((stdout.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/gu) ?? []).map((text) => new X509Certificate(text).raw));
}
