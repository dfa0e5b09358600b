import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { MtlsdError } from '../../errors/index.ts';
import { parseSpiffeId } from '../../spiffe/index.ts';
import type { PeerTrust } from '../../server/index.ts';
import { parseCertificate, parsePem } from '../../x509/index.ts';
import type { Log } from '../../telemetry/index.ts';

/** An identity of ours as it is delivered: the pair to serve with, and the roots that peers are verified with. */
export interface DeliveredIdentity {
  /** PEM. */
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
  readonly spiffeId: string;
  readonly trust: PeerTrust;
}

const lookMs = 1_000;

/**
 * The identity in a folder of files (`tls.crt`, `tls.key`, `ca.crt`), as mtlsd delivers it: read whole, of one generation, and
 * read again when it is renewed.
 */
export class IdentityFolder implements Disposable {
  #identity: DeliveredIdentity;
  readonly #folder: string;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  readonly #listeners: ((identity: DeliveredIdentity) => void)[] = [];
  #complained: string | undefined;

  private constructor(folder: string, identity: DeliveredIdentity, log: Log) {
    this.#folder = folder;
    this.#identity = identity;
    this.#log = log;
    this.#timer = setInterval(() => void this.#look(), lookMs);
    this.#timer.unref();
  }

  /** @throws MtlsdError CONFIGURATION_INVALID when the folder holds no identity */
  static async open(folder: string, log: Log): Promise<IdentityFolder> {
    return new IdentityFolder(folder, await readIdentity(folder), log);
  }

  get identity(): DeliveredIdentity {
    return this.#identity;
  }

  onRenewal(listener: (identity: DeliveredIdentity) => void): void {
    this.#listeners.push(listener);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    try {
      const found = await readIdentity(this.#folder);
      this.#complained = undefined;
      if (found.cert === this.#identity.cert && found.ca === this.#identity.ca) return;
      // The same object for the same roots: who is remembered by them need not be judged again.
      this.#identity = found.ca === this.#identity.ca ? { ...found, trust: this.#identity.trust } : found;
      for (const listener of this.#listeners) listener(this.#identity);
      this.#log.info('the identity of this server was renewed', { spiffeId: found.spiffeId });
    } catch (error) {
      const why = error instanceof Error ? error.message : 'unknown error';
      if (why !== this.#complained) this.#log.warn('the identity of this server cannot be read again; the one before is used', { why });
      this.#complained = why;
    }
  }
}

async function readIdentity(folder: string): Promise<DeliveredIdentity> {
  // The links lead through one generation: resolved once, all files are of the same.
  const generation = await realpath(join(folder, '..data')).catch(() => folder);
  const [cert, key, ca] = await Promise.all(['tls.crt', 'tls.key', 'ca.crt'].map((name) => read(folder, join(generation, name))));
  if (cert === undefined || key === undefined || ca === undefined) throw new Error('invariant broken: three files were read');
  const uri = certificates(cert)[0]?.subjectAltName?.uris[0];
  if (uri === undefined) throw unusable(folder, 'its tls.crt holds no X.509-SVID');
  const spiffeId = parseSpiffeId(uri);
  return { key, cert, ca, spiffeId: spiffeId.toString(), trust: { trustDomain: spiffeId.trustDomain, roots: certificates(ca) } };
}

function certificates(pem: string) {
  return parsePem(pem)
    .filter(({ label }) => label === 'CERTIFICATE')
    .map(({ der }) => parseCertificate(der));
}

async function read(folder: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw unusable(folder, `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`);
  }
}

function unusable(folder: string, why: string): MtlsdError<'CONFIGURATION_INVALID'> {
  return new MtlsdError('CONFIGURATION_INVALID', `${folder} holds no identity: ${why}. Name the folder that mtlsd delivers one to, with tls.crt, tls.key and ca.crt.`, { details: { option: '--identity' } });
}
