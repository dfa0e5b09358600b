import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { X509Certificate } from 'node:crypto';

/** One generation of an identity's folder. */
export interface Generation {
  /** The folder that holds this generation only. */
  readonly folder: string;
  readonly key: string;
  readonly chain: string;
  readonly roots: string;
  /** Roots of other trust domains, PEM, by the name of each. */
  readonly federated: ReadonlyMap<string, string>;
}

/**
 * Reads an identity as a careful workload does: `..data` is resolved once, so key, chain and roots are of one generation.
 * A generation that is replaced meanwhile is gone at once; then the next one is there.
 */
export function readIdentity(folder: string): Generation {
  for (let tries = 5; ; tries--) {
    try {
      const generation = realpathSync(join(folder, '..data'));
      const read = (file: string): string => readFileSync(join(generation, file), 'utf8');
      return { folder: generation, key: read('tls.key'), chain: read('tls.crt'), roots: read('ca.crt'), federated: federatedIn(generation, read) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries === 0) throw error;
    }
  }
}

function federatedIn(generation: string, read: (file: string) => string): Generation['federated'] {
  const names = readdirSync(generation).flatMap((file) => /^federated\.(.+)\.crt$/u.exec(file)?.[1] ?? []);
  return new Map(names.map((name) => [name, read(`federated.${name}.crt`)]));
}

/** The only URI of a certificate; undefined when there is none or more than one. */
export function spiffeIdOf(certificate: X509Certificate): string | undefined {
  const uris = [...(certificate.subjectAltName ?? '').matchAll(/(?:^|, )URI:([^,"]*)/g)].map((match) => match[1]);
  return uris.length === 1 ? uris[0] : undefined;
}
