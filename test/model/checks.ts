import type { MemoryStore } from '../../src/store/memory/index.ts';
import type { ObjectKey } from '../../src/store/port.ts';
import type { Secret, StoredObject, TrustDomain, WorkloadIdentity } from '../../src/resources/index.ts';
import { allowed, certificate, outsidePolicy, readPair, type ReadPair } from './oracle.ts';
import type { Knowledge } from './process.ts';

/** What must never happen has happened. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** A record never holds more authorities than this, however long it runs. */
const authoritiesMax = 6;
const recordLabel = 'mtlsd.io/authority-record';

interface Root {
  readonly keyIdentifier: string;
  readonly notAfterMs: number;
}

/** What one step of ours has changed, counted by kind. */
export interface Writes {
  readonly secrets: number;
  readonly records: number;
  readonly identityStatus: number;
  readonly domainStatus: number;
}

/** Looks at every change of the store, whoever made it, and judges those that our process made. */
export class Checks {
  readonly #store: MemoryStore;
  readonly #decisionOf: (publicKey: string) => Knowledge | undefined;
  #seen = new Map<string, StoredObject>();
  /** UIDs of Secrets that users made: never to be touched. */
  readonly #foreign = new Set<string>();
  /** What the owner of a deleted Secret looked like to the process when it asked for the deletion. */
  readonly #deletes = new Map<string, { readonly shown: WorkloadIdentity | undefined; readonly last: WorkloadIdentity | undefined }>();
  readonly #specs = new Map<string, StoredObject>();
  readonly #lastPolicy = new Map<string, string>();
  readonly #roots = new Map<string, Root>();
  /** Roots that somebody may know of: named in a status, or delivered. */
  readonly #rootsInUse = new Set<string>();
  readonly #givenUp = new Set<string>();
  #writes = { secrets: 0, records: 0, identityStatus: 0, domainStatus: 0 };
  /** Serial numbers of all leaves that were ever delivered. */
  readonly serials = new Set<string>();
  /** The last record of each trust domain that was fit for use, for an operator to restore. */
  readonly backups = new Map<string, Secret>();

  constructor(store: MemoryStore, decisionOf: (publicKey: string) => Knowledge | undefined) {
    this.#store = store;
    this.#decisionOf = decisionOf;
  }

  get writes(): Writes {
    return { ...this.#writes };
  }

  /** The deletion policy that an identity had last. */
  policyOf(identity: string): string | undefined {
    return this.#lastPolicy.get(identity);
  }

  isForeign(secret: Secret): boolean {
    return this.#foreign.has(secret.metadata.uid);
  }

  /** The process asks to delete something whose owner looks like this to it. */
  noteDelete(key: ObjectKey, shown: WorkloadIdentity | undefined, last: WorkloadIdentity | undefined): void {
    this.#deletes.set(`${key.kind} ${key.namespace ?? ''}/${key.name}`, { shown, last });
  }

  /** Says that a Secret which a user is about to put there is a faithful restore of ours. */
  restored(secret: Secret): void {
    this.#foreign.delete(secret.metadata.uid);
  }

  /** An operator gives the root that a trust domain has (or had) up: one new root is allowed. */
  giveUpRoot(trustDomain: string): void {
    const root = this.#roots.get(trustDomain);
    if (root !== undefined) this.#givenUp.add(`${trustDomain} ${root.keyIdentifier}`);
  }

  /** Takes notice of a user's changes. */
  afterUser(): void {
    this.#changes((before, after) => {
      if (after?.kind === 'Secret' && before?.metadata.uid !== after.metadata.uid) this.#foreign.add(after.metadata.uid);
      if (after !== undefined) this.#specs.set(`${after.metadata.uid}@${after.metadata.resourceVersion}`, after);
      if (after?.kind === 'WorkloadIdentity') this.#lastPolicy.set(placeOf(after), (after as WorkloadIdentity).spec.deletionPolicy ?? 'Delete');
    });
  }

  /** Judges what the process has changed. @throws Violation */
  afterStep(): void {
    this.#changes((before, after) => {
      const object = after ?? before;
      if (object === undefined) return;
      if (after !== undefined) this.#specs.set(`${after.metadata.uid}@${after.metadata.resourceVersion}`, after);
      if (object.kind === 'Secret') return this.#judgeSecret(before as Secret | undefined, after as Secret | undefined);
      if (isFleetMember(before) && isFleetMember(after)) return this.#noteFleetMember(after as WorkloadIdentity | undefined, before);
      if (after === undefined) throw new Violation(`${object.kind} ${placeOf(object)} was deleted by us`);
      if (before === undefined) throw new Violation(`${object.kind} ${placeOf(object)} was created by us`);
      if (JSON.stringify((before as WorkloadIdentity).spec) !== JSON.stringify((after as WorkloadIdentity).spec)) throw new Violation(`the spec of ${placeOf(object)} was changed by us`);
      if (object.kind === 'TrustDomain') this.#noteDomainStatus(before as TrustDomain, after as TrustDomain);
      else this.#writes.identityStatus += 1;
    });
  }

  /** Of what we make ourselves, what it wants for its Secret is known as of what users make. */
  #noteFleetMember(after: WorkloadIdentity | undefined, before: StoredObject | undefined): void {
    if (after === undefined) return;
    this.#lastPolicy.set(placeOf(after), after.spec.deletionPolicy ?? 'Delete');
    if (before !== undefined && before.metadata.generation === after.metadata.generation) this.#writes.identityStatus += 1;
  }

  #noteDomainStatus(before: TrustDomain, { metadata, status }: TrustDomain): void {
    // Leaves that somebody may refuse are counted from time to time: a new process counts what has been renewed since.
    const { violations: _counted, ...rest } = before.status ?? {};
    const { violations: _counts, ...told } = status ?? {};
    if (JSON.stringify(rest) !== JSON.stringify(told)) this.#writes.domainStatus += 1;
    const { sequence = 0, keys = [] } = status?.jwt ?? {};
    if (sequence < (this.#jwtSequences.get(metadata.uid) ?? 0)) throw new Violation(`the sequence of the keys for tokens of ${metadata.name} went back to ${sequence}`);
    this.#jwtSequences.set(metadata.uid, sequence);
    for (const { keyIdentifier, state } of keys) if (state === 'Active') this.#signers.add(`${metadata.name} ${keyIdentifier}`);
    for (const { keyIdentifier } of status?.authorities ?? []) this.#rootsInUse.add(`${metadata.name} ${keyIdentifier}`);
  }

  #changes(each: (before: StoredObject | undefined, after: StoredObject | undefined) => void): void {
    const now = new Map<string, StoredObject>();
    for (const kind of ['TrustDomain', 'WorkloadIdentity', 'Secret'] as const) {
      for (const object of this.#store.all(kind)) now.set(`${kind} ${placeOf(object)}`, object);
    }
    const before = this.#seen;
    this.#seen = now;
    for (const [id, object] of now) if (before.get(id) !== object) each(before.get(id), object);
    for (const [id, object] of before) if (!now.has(id)) each(object, undefined);
  }

  #judgeSecret(before: Secret | undefined, after: Secret | undefined): void {
    const place = placeOf(after ?? (before as Secret));
    if (before !== undefined && this.isForeign(before)) throw new Violation(`Secret ${place}, which is somebody else's, was ${after === undefined ? 'deleted' : 'changed'}`);
    if (after === undefined) return this.#judgeDeletion(before as Secret, place);
    if (before !== undefined && before.metadata.uid !== after.metadata.uid) throw new Violation(`Secret ${place} was replaced by another`);
    if (after.metadata.labels?.[recordLabel] !== undefined) return this.#judgeRecord(after);
    if (after.type === 'mtlsd.io/audit-key' || after.type === 'mtlsd.io/federated-bundle') return;
    this.#writes.secrets += 1;
    // Other words around what is there, be it damaged by somebody: nothing was issued or repaired.
    if (before !== undefined && JSON.stringify(before.data) === JSON.stringify(after.data)) return;
    this.#judgePair(before, after, place);
    this.#judgeTokens(after, place);
  }

  #judgeDeletion(before: Secret, place: string): void {
    this.#writes.secrets += 1;
    if (before.metadata.labels?.[recordLabel] !== undefined) throw new Violation(`the authority record ${place} was deleted by us`);
    const owner = before.metadata.annotations?.['mtlsd.io/identity'] ?? '';
    const { shown, last } = this.#deletes.get(`Secret ${place}`) ?? {};
    if (shown !== undefined && (shown.spec.secretName ?? `${owner}-mtls`) === before.metadata.name) throw new Violation(`Secret ${place} was deleted although its identity is there`);
    const isItsOwn = last !== undefined && (last.spec.secretName ?? `${owner}-mtls`) === before.metadata.name;
    const policy = !isItsOwn ? before.metadata.annotations?.['mtlsd.io/deletion-policy'] : last.spec.deletionPolicy;
    if (policy === 'Retain') throw new Violation(`Secret ${place} was deleted although its identity said Retain`);
  }

  #judgePair(before: Secret | undefined, after: Secret, place: string): void {
    let pair: ReadPair;
    try {
      pair = readPair(after);
    } catch (error) {
      throw new Violation(`Secret ${place} is no valid pair: ${error instanceof Error ? error.message : ''}`, { cause: error });
    }
    this.#judgeChain(pair, after, place);
    if (before !== undefined && before.data['tls.crt'] === after.data['tls.crt']) return; // the same pair with other words around it
    if (this.serials.has(pair.leaf.serialNumber)) throw new Violation(`Secret ${place} got a certificate that was delivered before`);
    this.serials.add(pair.leaf.serialNumber);
    const decision = this.#decisionOf(pair.publicKey);
    if (decision === undefined) throw new Violation(`Secret ${place} holds a key that nobody decided to make`);
    const owner = `${after.metadata.namespace ?? ''}/${after.metadata.annotations?.['mtlsd.io/identity'] ?? ''}`;
    const identity = this.#real(decision.identities.get(owner)) as WorkloadIdentity | undefined;
    if (identity === undefined) throw new Violation(`Secret ${place} was issued for ${owner}, which did not exist`);
    const name = after.metadata.labels?.['mtlsd.io/trust-domain'] ?? '';
    const trustDomain = this.#real(decision.trustDomains.get(name)) as TrustDomain | undefined;
    if (trustDomain === undefined) throw new Violation(`Secret ${place} was issued in ${name}, which did not exist`);
    if (identity.spec.trustDomain !== undefined && identity.spec.trustDomain !== name) throw new Violation(`Secret ${place} was issued in ${name}, not in ${identity.spec.trustDomain}`);
    const outside = outsidePolicy(pair, allowed(identity, trustDomain), decision.nowMs);
    if (outside !== undefined) throw new Violation(`Secret ${place} was issued outside policy: ${outside}`);
  }

  /** The roots beside a pair are exactly those of its trust domain's record, as it is or was a moment ago. */
  #judgeChain(pair: ReadPair, after: Secret, place: string): void {
    const name = after.metadata.labels?.['mtlsd.io/trust-domain'] ?? '';
    const current = this.#roots.get(name);
    if (current !== undefined) this.#rootsInUse.add(`${name} ${current.keyIdentifier}`);
    for (const root of pair.roots) {
      if (!this.#knownRoots.has(`${name} ${root.fingerprint256}`)) throw new Violation(`Secret ${place} carries a root that ${name} never had`);
    }
  }

  /** Tokens are signed by keys that status has named as active before. */
  #judgeTokens(after: Secret, place: string): void {
    for (const [file, data] of Object.entries(after.data)) {
      if (!file.endsWith('.jwt')) continue;
      const [head = ''] = Buffer.from(data, 'base64').toString('utf8').split('.');
      const { kid } = JSON.parse(Buffer.from(head, 'base64url').toString('utf8')) as { kid: string };
      if (!this.#signers.has(`${after.metadata.labels?.['mtlsd.io/trust-domain']} ${kid}`)) throw new Violation(`Secret ${place} holds a token of key ${kid}, which never was active`);
      this.tokens.add(data);
    }
  }

  readonly #knownRoots = new Set<string>();
  /** By uid of the trust domain. */
  readonly #jwtSequences = new Map<string, number>();
  readonly #signers = new Set<string>();
  /** Every token that was delivered. */
  readonly tokens = new Set<string>();

  /** The object of that uid and version as users wrote it, whatever the process was told. */
  #real(object: StoredObject | undefined): StoredObject | undefined {
    return object === undefined ? undefined : this.#specs.get(`${object.metadata.uid}@${object.metadata.resourceVersion}`);
  }

  #judgeRecord(after: Secret): void {
    this.#writes.records += 1;
    const record = JSON.parse(Buffer.from(after.data['record.json'] ?? '', 'base64').toString('utf8')) as {
      trustDomain: string;
      authorities: { role: string; state: string; certificate: string; keyIdentifier: string }[];
      rotation?: { name: string };
    };
    if (record.authorities.length > authoritiesMax) throw new Violation(`the record of ${record.trustDomain} holds ${record.authorities.length} authorities`);
    const root = record.authorities.find(({ role, state }) => role === 'Root' && state === 'Active');
    if (root === undefined) throw new Violation(`the record of ${record.trustDomain} has no root`);
    const anchor = certificate(root.certificate);
    // A rotation that somebody asked for is under way.
    if (record.rotation !== undefined) this.#givenUp.add(`${record.trustDomain} ${this.#roots.get(record.trustDomain)?.keyIdentifier ?? ''}`);
    this.#judgeRoot(record.trustDomain, { keyIdentifier: root.keyIdentifier, notAfterMs: anchor.validToDate.getTime() });
    for (const { role, certificate: pem } of record.authorities) if (role === 'Root') this.#knownRoots.add(`${record.trustDomain} ${certificate(pem).fingerprint256}`);
    for (const { role, certificate: pem, state } of record.authorities) {
      if (role !== 'Issuing' || state !== 'Active') continue;
      const issuing = certificate(pem);
      if (!issuing.verify(anchor.publicKey)) throw new Violation(`an issuing authority of ${record.trustDomain} is not signed by its root`);
      if (issuing.validToDate > anchor.validToDate) throw new Violation(`an issuing authority of ${record.trustDomain} outlives its root`);
    }
    this.backups.set(record.trustDomain, after);
  }

  /** A root is made anew only when it was asked for by the name of the one before, or when nothing of that one was left. */
  #judgeRoot(trustDomain: string, root: Root): void {
    const before = this.#roots.get(trustDomain);
    this.#roots.set(trustDomain, root);
    if (before === undefined || before.keyIdentifier === root.keyIdentifier) return;
    const isAsked = this.#givenUp.has(`${trustDomain} ${before.keyIdentifier}`);
    if (!isAsked && this.#rootsInUse.has(`${trustDomain} ${before.keyIdentifier}`) && this.#hasTraces(trustDomain)) throw new Violation(`the root of ${trustDomain} was made anew although nobody asked for it: ${JSON.stringify(this.#store.peek({ kind: 'TrustDomain', name: trustDomain })?.status?.bundle)}`);
  }

  #hasTraces(trustDomain: string): boolean {
    if (this.#store.peek({ kind: 'TrustDomain', name: trustDomain })?.status?.bundle !== undefined) return true;
    return this.#store.all('Secret').some(({ metadata }) => {
      const { labels } = metadata;
      return labels?.['mtlsd.io/trust-domain'] === trustDomain && labels['app.kubernetes.io/managed-by'] === 'mtlsd' && labels[recordLabel] === undefined;
    });
  }
}

function placeOf(object: StoredObject): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

/** Whether an object, where there is one, is a WorkloadIdentity that a ClusterWorkloadIdentity calls for: these we make, change and delete. */
function isFleetMember(object: StoredObject | undefined): boolean {
  return object === undefined || (object.kind === 'WorkloadIdentity' && object.metadata.labels?.['mtlsd.io/cluster-identity-uid'] !== undefined);
}
