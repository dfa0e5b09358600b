import { isMtlsdError } from '../../errors/index.ts';
import type { IssuedSvid } from '../../issuance/index.ts';
import { annotations, type Secret } from '../../resources/index.ts';
import type { SecretMetadata } from '../../store/port.ts';
import { openPkcs12, SerialNumbers } from '../../x509/index.ts';
import type { ControllerContext } from '../context.ts';
import { issueTokens, tokensThatStay, type TokenFiles } from '../jwt/delivery.ts';
import type { Cache } from '../runtime/cache.ts';
import type { OwnWrites } from '../runtime/own-writes.ts';
import type { SecretContents } from './contents.ts';
import { deliveredFormats, keystoreFiles } from './formats.ts';
import { renderFormats, type Pair, type RenderedFormats } from './format-writer.ts';
import { judgeSecret } from './judge.ts';
import { tokensQuestion, type ObservedIdentity, type Step } from './plan.ts';
import { bondsOf, deliveredSvid, ownerOf, renderSecret, type SecretContent } from './secret.ts';

type StepOf<D extends Step['do']> = Extract<Step, { do: D }>;

/** What a step found out besides what the caches show afterwards. */
export type ActResult = 'done' | 'foreign-secret';

/** Performs the steps of a plan: each one idempotent, or a compare-and-swap on what the plan was made from. */
export class IdentityActor {
  readonly #context: ControllerContext;
  readonly #secrets: Cache<SecretMetadata>;
  readonly #contents: SecretContents;
  readonly #ownWrites: OwnWrites;
  readonly #serialNumbers: SerialNumbers;

  constructor(context: ControllerContext, secrets: Cache<SecretMetadata>, contents: SecretContents, ownWrites: OwnWrites) {
    this.#context = context;
    this.#secrets = secrets;
    this.#contents = contents;
    this.#ownWrites = ownWrites;
    this.#serialNumbers = new SerialNumbers((length) => context.tools.randomBytes(length));
  }

  /** @throws STORE_…, ISSUANCE_…; nothing is half done then */
  async act(step: Step, observed: ObservedIdentity): Promise<ActResult> {
    switch (step.do) {
      case 'inspect':
        return this.#inspect(step, observed);
      case 'issue':
        return this.#issue(step, observed);
      case 'rewrite':
        return this.#rewrite(step, observed);
      case 'delete':
        await this.deleteSecret(step.secret, step.why);
        return 'done';
    }
  }

  /** One GET and a comparison: our own write before a crash is not foreign, a foreign change is. */
  async #inspect(step: StepOf<'inspect'>, observed: ObservedIdentity): Promise<ActResult> {
    const secret = await this.#read(step.secret);
    if (secret === undefined) {
      this.#secrets.observeDelete(step.secret);
      return 'done';
    }
    const { domain } = observed;
    const { record, bundle } = domain.kind === 'resolved' ? domain.state : {};
    if (record === undefined || bundle === undefined) throw new Error('invariant broken: inspection needs a trust domain');
    this.#note(secret, judgeSecret(secret, record, bundle, this.#context.clock.nowMs()));
    return 'done';
  }

  async #issue(step: StepOf<'issue'>, observed: ObservedIdentity): Promise<ActResult> {
    const { clock, tools, lease } = this.#context;
    const { identity, resolved } = observed;
    const keyPair = await tools.generateKeyPair(resolved.keyAlgorithm);
    const svid = step.domain.issuer.issue(step.grant, keyPair.publicKey, this.#serialNumbers.next(), lease, clock.nowMs());
    const before = step.over === undefined ? undefined : deliveredSvid(step.over);
    const isOwn = step.over !== undefined && ownerOf(step.over) === identity.metadata.name;
    // Before all else: whatever becomes of it, what was signed stands in the audit.
    this.#audit(step, observed, svid);
    const privateKeyPem = keyPair.privateKeyPem();
    const content: SecretContent = {
      identity,
      resolved,
      trustDomain: step.domain.name,
      svid,
      privateKeyPem,
      bundle: step.domain.bundle,
      formats: await this.#formats(observed, step, { ...svid, privateKeyPem }, isOwn ? step.over : undefined),
      federated: observed.federated,
      tokens: await this.#tokens(observed, step.why, async () => (isOwn && step.over !== undefined ? this.#read(step.over) : undefined)),
      profile: step.profile,
      issuances: (isOwn ? (before?.issuances ?? 0) : 0) + 1,
    };
    const result = await this.#write(content, step.over);
    if (result === 'done') this.#tell(step, observed);
    return result;
  }

  /** The same pair with a newer bundle or other metadata. */
  async #rewrite(step: StepOf<'rewrite'>, observed: ObservedIdentity): Promise<ActResult> {
    const secret = await this.#read(step.secret);
    const svid = secret === undefined ? undefined : deliveredSvid({ ...secret, kind: 'Secret' });
    if (secret === undefined || svid === undefined || secret.metadata.resourceVersion !== step.secret.metadata.resourceVersion) {
      if (secret === undefined) this.#secrets.observeDelete(step.secret);
      else this.#secrets.observeWrite(metadataOf(secret));
      return 'done'; // it changed meanwhile: decided anew on what is there
    }
    if (step.why === 'the keystore password changed' && (await this.#opens(secret, observed))) return 'done';
    const read = (file: string): string => Buffer.from(secret.data[file] ?? '', 'base64').toString('utf8');
    const pair: Pair = { ...svid, chainPem: read('tls.crt'), privateKeyPem: read('tls.key') };
    const content: SecretContent = {
      identity: observed.identity,
      resolved: observed.resolved,
      trustDomain: step.domain.name,
      svid: { ...svid, chainPem: pair.chainPem },
      privateKeyPem: pair.privateKeyPem,
      bundle: step.domain.bundle,
      formats: await this.#formats(observed, step, pair, metadataOf(secret)),
      federated: observed.federated,
      tokens: await this.#tokens(observed, step.why, async () => secret),
      profile: step.profile,
      issuances: svid.issuances,
    };
    return this.#write(content, step.secret);
  }

  async #formats({ resolved, password }: ObservedIdentity, step: StepOf<'issue' | 'rewrite'>, pair: Pair, before: SecretMetadata | undefined): Promise<RenderedFormats> {
    const { clock, tools } = this.#context;
    return renderFormats({
      resolved,
      password,
      pair,
      bundle: step.domain.bundle,
      before: before === undefined ? undefined : { formats: deliveredFormats(before), read: () => this.#read(before) },
      nowMs: clock.nowMs(),
      randomBytes: (length) => tools.randomBytes(length),
    });
  }

  /** New tokens; while nothing signs any, those of before as long as they live. */
  async #tokens(observed: ObservedIdentity, why: string, before: () => Promise<Secret | undefined>): Promise<TokenFiles | undefined> {
    const question = tokensQuestion(observed);
    if (question.resolved.tokens.length === 0) return undefined;
    const { clock, lease, audit, metrics } = this.#context;
    const { namespace = '', name } = observed.identity.metadata;
    const nowMs = clock.nowMs();
    const issued = issueTokens(question, {
      lease,
      nowMs,
      nextTokenId: () => this.#serialNumbers.next(),
      onIssued: ({ spiffeId, tokenId, keyId, expiresAtMs }) => {
        audit.record({ decision: 'token-issued', object: `WorkloadIdentity ${namespace}/${name}`, trustDomain: observed.domain.name ?? '', spiffeId, tokenId, authority: keyId, notAfter: new Date(expiresAtMs).toISOString(), reason: why });
        metrics.tokens?.('file', 'issued');
      },
    });
    if (issued === undefined) metrics.tokens?.('file', 'failed');
    return issued ?? tokensThatStay(await before(), question, nowMs);
  }

  /** Whether the keystores open with the password as it is now: what it was read from changed, but perhaps not the password. */
  async #opens(secret: Secret, { password }: ObservedIdentity): Promise<boolean> {
    if (password?.kind !== 'read') return false;
    try {
      for (const file of keystoreFiles) await openPkcs12(Buffer.from(secret.data[file] ?? '', 'base64'), password.password.reveal());
    } catch (error) {
      if (!isMtlsdError(error)) throw error;
      return false;
    }
    this.#contents.notePassword(metadataOf(secret), password.version);
    return true;
  }

  /** Deletes a Secret that we made, exactly in the state that was seen. */
  async deleteSecret(secret: SecretMetadata, why: string): Promise<void> {
    const { uid, resourceVersion, namespace = '', name } = secret.metadata;
    try {
      await this.#context.store.delete({ kind: 'Secret', namespace, name }, { uid, resourceVersion });
    } catch (error) {
      if (!isMtlsdError(error, 'STORE_NOT_FOUND')) throw error;
    }
    this.#secrets.observeDelete(secret);
    this.#contents.forget(secret);
    this.#context.audit.record({ decision: 'deleted', object: `Secret ${namespace}/${name}`, reason: why });
    this.#context.log.info('Secret deleted', { secret: `${namespace}/${name}`, why });
  }

  /** Has a Secret say that it is to be kept, whatever it said before. */
  async retain(secret: SecretMetadata): Promise<void> {
    const current = await this.#read(secret);
    if (current === undefined || current.metadata.resourceVersion !== secret.metadata.resourceVersion) {
      if (current === undefined) this.#secrets.observeDelete(secret);
      else this.#secrets.observeWrite(metadataOf(current));
      return;
    }
    const { name, namespace = '', labels = {}, annotations: before, uid, resourceVersion } = current.metadata;
    const metadata = { name, namespace, labels, annotations: { ...before, [annotations.deletionPolicy]: 'Retain' }, ...bondsOf(current.metadata) };
    this.#secrets.observeWrite(metadataOf(await this.#context.store.write({ ...current, metadata }, { uid, resourceVersion })));
  }

  async #write(content: SecretContent, over: SecretMetadata | undefined): Promise<ActResult> {
    const draft = renderSecret(content, over?.metadata);
    const expect = over === undefined ? 'absent' : { uid: over.metadata.uid, resourceVersion: over.metadata.resourceVersion };
    try {
      const written = await this.#context.store.write(draft, expect);
      this.#contents.noteWritten(written);
      const { namespace = '', name } = content.identity.metadata;
      this.#ownWrites.show({ namespace, name }, () => this.#secrets.observeWrite(metadataOf(written)));
      return 'done';
    } catch (error) {
      if (isMtlsdError(error, 'STORE_ALREADY_EXISTS')) return this.#meet(content);
      if (isMtlsdError(error, 'STORE_NOT_FOUND') && over !== undefined) {
        this.#secrets.observeDelete(over);
        return 'done';
      }
      throw error;
    }
  }

  /** A Secret of that name is there although no cache showed it: ours (then we know it now), or somebody else's. */
  async #meet(content: SecretContent): Promise<ActResult> {
    return this.meet(content.identity.metadata.namespace ?? '', content.resolved.secretName);
  }

  async #read(secret: SecretMetadata): Promise<Secret | undefined> {
    const { namespace = '', name } = secret.metadata;
    return this.#context.store.get({ kind: 'Secret', namespace, name });
  }

  /** Looks at what stands under that name: nothing, one of ours, or a Secret that is not ours to touch. */
  async meet(namespace: string, name: string): Promise<ActResult> {
    const secret = await this.#context.store.get({ kind: 'Secret', namespace, name });
    if (secret === undefined) return 'done';
    const metadata = metadataOf(secret);
    if (ownerOf(metadata) === undefined) return 'foreign-secret';
    this.#secrets.observeWrite(metadata);
    return 'done';
  }

  #note(secret: Secret, what: string | undefined): void {
    this.#contents.note(secret, what);
    this.#secrets.observeWrite(metadataOf(secret));
  }

  #audit(step: StepOf<'issue'>, observed: ObservedIdentity, svid: IssuedSvid): void {
    const { namespace = '', name } = observed.identity.metadata;
    this.#context.audit.record({
      decision: isRenewal(step) ? 'renewed' : 'issued',
      object: `WorkloadIdentity ${namespace}/${name}`,
      trustDomain: step.domain.name,
      spiffeId: svid.spiffeId,
      serialNumber: svid.serialNumber,
      authority: svid.issuer,
      notAfter: new Date(svid.notAfterMs).toISOString(),
      reason: step.why,
    });
  }

  #tell(step: StepOf<'issue'>, observed: ObservedIdentity): void {
    const { events, metrics } = this.#context;
    const { identity } = observed;
    const renewal = isRenewal(step);
    metrics.issued(renewal ? 'renewed' : 'issued');
    if (renewal) return;
    const what = observed.verdict.kind === 'changed' ? ` (${observed.verdict.what})` : '';
    if (step.bounded) {
      events.record(identity, { type: 'Warning', reason: 'ForeignChange', message: `Secret ${observed.resolved.secretName} was changed or deleted by somebody else${what}: a new pair was issued` });
    } else {
      events.record(identity, { type: 'Normal', reason: 'Issued', message: `${step.grant.spiffeId.toString()} issued into Secret ${observed.resolved.secretName} (${step.why})` });
    }
  }
}

/** What is told of as the course of things: a rotation re-issues every identity of a trust domain. */
function isRenewal({ why }: StepOf<'issue'>): boolean {
  return why === 'renewal' || why === 'issuer-retiring';
}

/** What a cache holds of a Secret: never its content. */
function metadataOf(secret: Secret): SecretMetadata {
  return { apiVersion: 'v1', kind: 'Secret', metadata: secret.metadata };
}

