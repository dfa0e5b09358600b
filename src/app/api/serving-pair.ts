import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { MtlsdError } from '../../errors/index.ts';
import { labels, managedByMtlsd } from '../../resources/index.ts';
import type { Store } from '../../store/port.ts';
import type { Clock, Log } from '../../telemetry/index.ts';

/** Key and chain that the API serves with, PEM. */
export interface ServingPair {
  readonly key: string;
  readonly cert: string;
}

/** Where the pair comes from. */
export type ServingSource =
  /** An identity of ours, in whose Secret of the usual name it is. */
  | { readonly kind: 'identity'; readonly namespace: string; readonly name: string }
  | { readonly kind: 'files'; readonly cert: string; readonly key: string };

/** The identity, `namespace/name`, that an API serves with; undefined when it serves with files. */
export function identityServedWith(source: ServingSource): string | undefined {
  return source.kind === 'identity' ? `${source.namespace}/${source.name}` : undefined;
}

const lookMs = 10_000;

/**
 * Hands every pair to `take`, from the first on, until `signal` aborts. Files are read before this resolves; an identity may
 * come later. A pair that cannot be used is told once, and the one before stays.
 * @throws MtlsdError CONFIGURATION_INVALID for files that cannot be used at the start
 */
export async function followPair(source: ServingSource, parts: { readonly store: Store; readonly clock: Clock; readonly log: Log }, take: (pair: ServingPair) => void, signal: AbortSignal): Promise<void> {
  const follower = new Follower(parts.log, take);
  if (source.kind === 'files') {
    follower.see(await readPair(source));
    const look = (): void => void readPair(source).then((pair) => follower.see(pair), (error: unknown) => follower.complain(error));
    const timer = setInterval(look, lookMs).unref();
    signal.addEventListener('abort', () => clearInterval(timer), { once: true });
    return;
  }
  followSecret(source, parts, follower, signal);
}

class Follower {
  readonly #log: Log;
  readonly #take: (pair: ServingPair) => void;
  #cert: string | undefined;
  #told: string | undefined;

  constructor(log: Log, take: (pair: ServingPair) => void) {
    this.#log = log;
    this.#take = take;
  }

  see(pair: ServingPair): void {
    this.#told = undefined;
    if (pair.cert === this.#cert) return;
    this.#cert = pair.cert;
    this.#take(pair);
  }

  complain(error: unknown): void {
    const why = error instanceof Error ? error.message : 'unknown error';
    if (why !== this.#told) this.#log.warn('the certificate of the API cannot be read; the one before, if any, is used', { why });
    this.#told = why;
  }
}

function followSecret({ namespace, name }: { readonly namespace: string; readonly name: string }, { store, clock }: { readonly store: Store; readonly clock: Clock }, follower: Follower, signal: AbortSignal): void {
  const key = { kind: 'Secret', namespace, name: `${name}-mtls` } as const;
  const look = async (): Promise<void> => {
    try {
      const secret = await store.get(key);
      const text = (file: string): string => Buffer.from(secret?.data[file] ?? '', 'base64').toString('utf8');
      if (secret !== undefined) follower.see(sound({ cert: text('tls.crt'), key: text('tls.key') }, `Secret ${namespace}/${key.name}`));
    } catch (error) {
      follower.complain(error);
      if (!signal.aborted) clock.schedule(clock.nowMs() + lookMs, () => void look());
    }
  };
  const seen = ({ metadata }: { readonly metadata: { readonly name: string } }): void => {
    if (metadata.name === key.name) void look();
  };
  store.watch('Secret', { namespace, labels: { [labels.managedBy]: managedByMtlsd } }, { snapshot: (secrets) => secrets.forEach(seen), upsert: seen, remove: () => undefined }, signal);
}

async function readPair({ cert, key }: { readonly cert: string; readonly key: string }): Promise<ServingPair> {
  const [certPem, keyPem] = await Promise.all([read(cert, '--api-tls-cert'), read(key, '--api-tls-key')]);
  return sound({ cert: certPem, key: keyPem }, `${cert} with ${key}`);
}

/** A pair that belongs together: files are replaced one after the other. */
function sound(pair: ServingPair, where: string): ServingPair {
  try {
    if (new X509Certificate(pair.cert).checkPrivateKey(createPrivateKey(pair.key))) return pair;
  } catch {
    // Why one of the two is none may quote what stands in it.
  }
  throw new MtlsdError('CONFIGURATION_INVALID', `${where} is no certificate with its key: name a chain and the key of its first certificate, PEM.`, { details: { option: '--api-tls-cert' } });
}

async function read(file: string, option: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new MtlsdError('CONFIGURATION_INVALID', `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'}): check the path and its mode.`, { details: { option }, cause: error });
  }
}
