import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { decodeHeads, encodeHeads, noHeads, withHead, type AuditHeads } from '../../audit/index.ts';
import { isMtlsdError } from '../../errors/index.ts';
import { labels, managedByMtlsd, type ConfigMap } from '../../resources/index.ts';
import { publicKeysEntry } from '../../rotation/receipt/index.ts';
import type { Precondition, Store } from '../../store/port.ts';

/** What is anchored, and the public keys that verify it. */
export interface Anchored {
  readonly heads: AuditHeads;
  /** PEM, one behind the other. */
  readonly publicKeys: string;
}

/** One place, apart from the lines, that knows how far each chain has come. */
export interface AuditAnchor {
  read(): Promise<Anchored>;
  /** Moves one chain on, and leaves the others as they are. @throws STORE_… */
  put(checkpoint: string, publicKeys: string): Promise<void>;
}

/** The ConfigMap of anchors, in mtlsd's own namespace. */
export const anchorName = 'mtlsd-audit-heads';
/** Its key with the heads, beside the one with the public keys. */
export const headsEntry = 'heads.json';
/** Another replica wrote meanwhile, at most so often in a row. */
const triesMax = 8;

/** What a ConfigMap's data, or a copy of it, says. */
export function anchoredIn(data: Readonly<Record<string, string>> | undefined): Anchored {
  return { heads: decodeHeads(data?.[headsEntry] ?? '') ?? noHeads, publicKeys: data?.[publicKeysEntry] ?? '' };
}

/** An anchor in a ConfigMap: each replica moves its own chain on by compare-and-swap. */
export class StoreAnchor implements AuditAnchor {
  readonly #store: Store;
  readonly #namespace: string;

  constructor(store: Store, namespace: string) {
    this.#store = store;
    this.#namespace = namespace;
  }

  async read(): Promise<Anchored> {
    return anchoredIn((await this.#get())?.data);
  }

  async put(checkpoint: string, publicKeys: string): Promise<void> {
    for (let tries = 0; tries < triesMax; tries += 1) {
      const existing = await this.#get();
      const { heads } = anchoredIn(existing?.data);
      const data = { [headsEntry]: encodeHeads(withHead(heads, checkpoint)), [publicKeysEntry]: publicKeys };
      const expect: Precondition | 'absent' = existing === undefined ? 'absent' : { uid: existing.metadata.uid, resourceVersion: existing.metadata.resourceVersion };
      const metadata = { namespace: this.#namespace, name: anchorName, labels: { [labels.managedBy]: managedByMtlsd } };
      try {
        await this.#store.write({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data }, expect);
        return;
      } catch (error) {
        if (!isMtlsdError(error, 'STORE_ALREADY_EXISTS', 'STORE_CONFLICT', 'STORE_NOT_FOUND') || tries === triesMax - 1) throw error;
      }
    }
  }

  async #get(): Promise<ConfigMap | undefined> {
    return this.#store.get({ kind: 'ConfigMap', namespace: this.#namespace, name: anchorName });
  }
}

/** An anchor in two files of a folder that one process at a time writes to. */
export class FileAnchor implements AuditAnchor {
  readonly #path: string;

  /** @param path of the file with the heads; the public keys lie beside it */
  constructor(path: string) {
    this.#path = path;
  }

  async read(): Promise<Anchored> {
    return Promise.resolve(anchoredIn({ [headsEntry]: textOf(this.#path), [publicKeysEntry]: textOf(this.#keysPath) }));
  }

  async put(checkpoint: string, publicKeys: string): Promise<void> {
    const { heads, publicKeys: before } = await this.read();
    if (publicKeys !== before) replace(this.#keysPath, publicKeys);
    replace(this.#path, encodeHeads(withHead(heads, checkpoint)));
  }

  get #keysPath(): string {
    return this.#path.replace(/heads\.json$/u, 'keys.pem');
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

function replace(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}
