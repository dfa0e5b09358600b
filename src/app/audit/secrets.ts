import type { CheckpointKey } from '../../audit/index.ts';
import { auditKeys, type ControllerContext } from '../../controllers/index.ts';
import { isMtlsdError } from '../../errors/index.ts';
import { publicKeysPem, readPublicKeys } from '../../rotation/receipt/index.ts';
import type { AuditAnchor } from './anchor.ts';

/** The key of checkpoints, with the public halves that are to be anchored beside it. */
export interface SigningKey extends CheckpointKey {
  readonly publicKeys: string;
}

/** The key of pseudonyms: one period's. */
export interface PersonKey {
  readonly bytes: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
}

/** Keys of the audit log. */
export interface AuditSecrets {
  /** @throws STORE_… */
  signingKey(): Promise<SigningKey>;
  /** The one of this period: made where there is none, or an older one, which is gone then. @throws STORE_… */
  personKey(periodMs: number): Promise<PersonKey>;
}

type Context = Pick<ControllerContext, 'store' | 'clock' | 'tools' | 'systemNamespace' | 'audit' | 'log'>;

/** How long a signing key is used before it is read again: another replica may have made a new one. */
const keyMs = 3_600_000;
/** Another replica made the key meanwhile, at most so often in a row. */
const triesMax = 4;
const secretName = 'mtlsd-audit-key';
const fields = { key: 'person.key', createdAt: 'person.created-at' } as const;

/** Keys in the Secret `mtlsd-audit-key`, which all replicas share. */
export class StoreSecrets implements AuditSecrets {
  readonly #context: Context;
  readonly #anchor: AuditAnchor;
  #signing: { readonly key: SigningKey; readonly untilMs: number } | undefined;

  constructor(context: Context, anchor: AuditAnchor) {
    this.#context = context;
    this.#anchor = anchor;
  }

  async signingKey(): Promise<SigningKey> {
    const nowMs = this.#context.clock.nowMs();
    if (this.#signing !== undefined && nowMs < this.#signing.untilMs) return this.#signing.key;
    const keys = await auditKeys(this.#context, readPublicKeys((await this.#anchor.read()).publicKeys));
    const key = { keyId: keys.current.keyId, privateKey: keys.current.keyPair.privateKey, publicKeys: publicKeysPem(keys) };
    this.#signing = { key, untilMs: nowMs + keyMs };
    return key;
  }

  async personKey(periodMs: number): Promise<PersonKey> {
    const { store, clock, tools, systemNamespace } = this.#context;
    await this.signingKey();
    for (let tries = 0; tries < triesMax; tries += 1) {
      const secret = await store.get({ kind: 'Secret', namespace: systemNamespace, name: secretName });
      if (secret === undefined) {
        this.#signing = undefined;
        await this.signingKey();
        continue;
      }
      const known = decode(secret.data);
      if (known !== undefined && clock.nowMs() - known.createdAtMs < periodMs) return known;
      const next = { bytes: tools.randomBytes(32), createdAtMs: clock.nowMs() };
      try {
        const { name, namespace = '', labels = {}, uid, resourceVersion } = secret.metadata;
        await store.write({ ...secret, metadata: { name, namespace, labels }, data: { ...secret.data, ...encode(next) } }, { uid, resourceVersion });
        return next;
      } catch (error) {
        if (!isMtlsdError(error, 'STORE_CONFLICT', 'STORE_NOT_FOUND')) throw error;
      }
    }
    throw new Error('invariant broken: the key of pseudonyms never settles');
  }
}

function encode({ bytes, createdAtMs }: PersonKey): Record<string, string> {
  return { [fields.key]: Buffer.from(bytes).toString('base64'), [fields.createdAt]: Buffer.from(new Date(createdAtMs).toISOString()).toString('base64') };
}

function decode(data: Readonly<Record<string, string>>): PersonKey | undefined {
  const bytes = Buffer.from(data[fields.key] ?? '', 'base64');
  const createdAtMs = Date.parse(Buffer.from(data[fields.createdAt] ?? '', 'base64').toString('utf8'));
  return bytes.length === 32 && !Number.isNaN(createdAtMs) ? { bytes, createdAtMs } : undefined;
}
