import { isMtlsdError } from '../../errors/index.ts';
import { resolvedIdentitySpec, type KeystoreSettings, type ResolvedIdentitySpec, type WorkloadIdentity } from '../../resources/index.ts';
import type { SecretMetadata } from '../../store/port.ts';
import { takesNamespace } from '../allowed-namespaces.ts';
import type { ControllerContext } from '../context.ts';
import type { Domains } from '../domains.ts';
import type { Federation } from '../federation/federation.ts';
import type { Cache } from '../runtime/cache.ts';
import type { Outcome, Reconciler } from '../runtime/controller.ts';
import { OwnWrites } from '../runtime/own-writes.ts';
import type { QueueKey } from '../runtime/queue.ts';
import { deliveredTokens } from '../jwt/delivery.ts';
import { Reissues } from '../ca-rotation/reissues.ts';
import { Turns } from '../runtime/turns.ts';
import { OlderDefinitions } from '../older-definitions.ts';
import type { PodFindings } from '../pod-warnings/judge.ts';
import { sameStatus } from '../status.ts';
import type { IdentityCaches } from '../caches.ts';
import { IdentityActor } from './actor.ts';
import { SecretContents } from './contents.ts';
import { DepartedIdentities } from './departed.ts';
import { isOlder } from '../is-older.ts';
import { passwordKey, readPassword, type PasswordReading } from './keystore-password.ts';
import { planIdentity, type Blocker, type IdentityPlan, type ObservedIdentity } from './plan.ts';
import { resolveTrustDomain } from './resolve.ts';
import { ownerOf } from './secret.ts';
import { identityStatus } from './status.ts';
import { tellBlocker, tellPassword } from './tell.ts';

/** More steps than any plan needs: a loop that does not settle is a defect, and is told instead of run for ever. */
const stepsMax = 8;
/** How long a Secret that is not ours counts as still there before it is looked at again. */
const foreignMs = 30_000;

/** Issues, renews, repairs and deletes: brings the Secret of one identity to what its object says. */
export class WorkloadIdentityReconciler implements Reconciler {
  readonly kind = 'WorkloadIdentity';
  /** To issue: bounded, so that a herd is smoothed. */
  readonly turns: Turns;
  /** Each step is planned on what the one before wrote, and nothing follows the status but what others do. */
  readonly ownWrites = new OwnWrites();
  readonly #context: ControllerContext;
  readonly #identities: Cache<WorkloadIdentity>;
  readonly #secrets: Cache<SecretMetadata>;
  readonly #serviceAccounts: IdentityCaches['serviceAccounts'];
  readonly #namespaces: IdentityCaches['namespaces'];
  readonly #domains: Domains;
  readonly #reissues: Reissues;
  readonly #federation: Federation | undefined;
  readonly #contents = new SecretContents();
  readonly #actor: IdentityActor;
  readonly #departed: DepartedIdentities;
  readonly #older: OlderDefinitions;
  #podFindings: (identity: WorkloadIdentity) => PodFindings | undefined = () => undefined;
  /** Names that a Secret of somebody else's occupies, as the last try to create one has shown, and until when that counts. */
  readonly #foreign = new Map<string, { readonly secretName: string; readonly untilMs: number }>();

  constructor(context: ControllerContext, caches: IdentityCaches, domains: Domains, reissues: Reissues = new Reissues(), federation?: Federation) {
    this.#federation = federation;
    this.#reissues = reissues;
    this.#context = context;
    this.#older = new OlderDefinitions(context.log);
    this.#identities = caches.identities;
    this.#secrets = caches.secrets;
    this.#serviceAccounts = caches.serviceAccounts;
    this.#namespaces = caches.namespaces;
    this.#domains = domains;
    this.#actor = new IdentityActor(context, caches.secrets, this.#contents, this.ownWrites);
    this.#departed = new DepartedIdentities(context, caches, this.#actor);
    caches.secrets.onChange((before, after) => {
      if (before !== undefined && before.metadata.uid !== after?.metadata.uid) this.#contents.forget(before);
    });
    this.turns = new Turns(context.clock, context.issuancesPerSecond);
  }

  /** From now on, statuses tell what pods tell of an identity too. */
  tellOfPods(findings: (identity: WorkloadIdentity) => PodFindings | undefined): void {
    this.#podFindings = findings;
  }

  deadlineMs(key: QueueKey): number | undefined {
    const identity = this.#identities.get(key.namespace, key.name);
    const at = Date.parse(identity?.status?.notAfter ?? '');
    if (Number.isNaN(at)) return undefined;
    // Tokens may end long before the certificate.
    const secret = identity?.spec.jwt === undefined ? undefined : this.#secrets.get(key.namespace, identity.status?.secret?.name ?? '');
    return secret === undefined ? at : Math.min(at, deliveredTokens(secret)?.expiresAtMs ?? at);
  }

  async reconcile(key: QueueKey): Promise<Outcome> {
    try {
      return await this.#settle(key);
    } finally {
      this.turns.leave(key);
    }
  }

  async #settle(key: QueueKey): Promise<Outcome> {
    await this.#lookAgain(key);
    const passwords = new Map<string, PasswordReading>();
    for (let step = 0; step < stepsMax; step += 1) {
      // Anew at each step: while the one before was on its way, the object may have changed or gone.
      const identity = this.#identities.get(key.namespace, key.name);
      if (identity === undefined) return this.#cleanUp(key);
      const resolved = resolvedIdentitySpec(identity);
      if (resolved.keystore !== undefined && !passwords.has(passwordKey(resolved.keystore))) {
        await this.#readPassword(key.namespace, resolved.keystore, passwords);
        continue;
      }
      const observed = this.#observe(identity, resolved, passwords);
      const nowMs = this.#context.clock.nowMs();
      const plan = planIdentity(observed, nowMs);
      if (plan.step === undefined) {
        await this.#departed.keepKept(idOf(identity));
        await this.#writeStatus(observed, plan, plan.blocker);
        return { nextAtMs: plan.nextAtMs };
      }
      if (plan.step.do === 'issue' && !this.turns.take(key, this.deadlineMs(key))) return {};
      await this.#act(observed, plan, plan.step);
    }
    throw new Error(`invariant broken: WorkloadIdentity ${key.namespace}/${key.name} does not settle`);
  }

  /** Reads the password of a keystore: once for all steps, and whatever changed meanwhile is seen after it. */
  async #readPassword(namespace: string, keystore: KeystoreSettings, known: Map<string, PasswordReading>): Promise<void> {
    known.set(passwordKey(keystore), await readPassword(this.#context, namespace, keystore.password));
  }

  async #act(observed: ObservedIdentity, plan: IdentityPlan, step: NonNullable<IdentityPlan['step']>): Promise<void> {
    const id = idOf(observed.identity);
    const nowMs = this.#context.clock.nowMs();
    try {
      const result = await this.#actor.act(step, observed);
      this.#noteForeign(id, observed.resolved.secretName, result === 'foreign-secret', nowMs);
      if ('bounded' in step && step.bounded) this.#contents.countRepair(id, nowMs);
    } catch (error) {
      if (isMtlsdError(error, 'STORE_CONFLICT')) throw error; // a lost race: nothing to tell
      if (isMtlsdError(error, 'STORE_UNAVAILABLE')) this.#reissues.pushBack(nowMs + (error.retryAfterMs ?? 0));
      // A write that was refused for good is refused again: such tries are bounded as well.
      if ('bounded' in step && step.bounded && isMtlsdError(error, 'STORE_INVALID')) this.#contents.countRepair(id, nowMs);
      this.#context.metrics.issued('failed');
      await this.#writeFailure(observed, plan, error);
      throw error;
    }
  }

  /** Whether a Secret that was not ours still stands in the way: found out by reading, so that nothing is signed in vain. */
  async #lookAgain(key: QueueKey): Promise<void> {
    const id = `${key.namespace}/${key.name}`;
    const known = this.#foreign.get(id);
    const nowMs = this.#context.clock.nowMs();
    if (known === undefined || known.untilMs > nowMs) return;
    const result = await this.#actor.meet(key.namespace, known.secretName);
    this.#noteForeign(id, known.secretName, result === 'foreign-secret', nowMs);
  }

  #noteForeign(id: string, secretName: string, isForeign: boolean, nowMs: number): void {
    if (isForeign) this.#foreign.set(id, { secretName, untilMs: nowMs + foreignMs });
    else this.#foreign.delete(id);
  }

  #observe(identity: WorkloadIdentity, resolved: ResolvedIdentitySpec, passwords: ReadonlyMap<string, PasswordReading>): ObservedIdentity {
    const { namespace = '' } = identity.metadata;
    const nowMs = this.#context.clock.nowMs();
    const secret = this.#secrets.get(namespace, resolved.secretName);
    const foreign = this.#foreign.get(idOf(identity));
    const domain = resolveTrustDomain(identity, this.#domains);
    const isOurs = secret !== undefined && ownerOf(secret) !== undefined;
    return {
      identity,
      resolved,
      domain,
      secret: isOurs ? secret : undefined,
      federated: this.#federation?.files(domain.name, resolved.federatesWith) ?? [],
      verdict: secret === undefined ? { kind: 'unknown' } : this.#contents.verdict(secret, identity),
      password: resolved.keystore === undefined ? undefined : passwords.get(passwordKey(resolved.keystore)),
      sameAsVersion: this.#contents.sameAsVersion(secret),
      leftovers: this.#departed.leftovers(idOf(identity)),
      secretsUnknown: this.#secrets.whyUnknown(namespace),
      namespaceLeaving: this.#namespaces?.get(undefined, namespace)?.metadata.deletionTimestamp !== undefined,
      namespaceAllowed: domain.kind === 'unresolved' || takesNamespace(domain.state.object, namespace, this.#namespaces),
      serviceAccountMissing: this.#serviceAccounts !== undefined && this.#serviceAccounts.get(namespace, resolved.serviceAccountName) === undefined,
      rival: this.#rival(identity, resolved.secretName),
      foreignSecret: secret === undefined ? foreign?.secretName === resolved.secretName && foreign.untilMs > nowMs : !isOurs,
      mayReissue: this.#reissues.isReleased(idOf(identity)),
      repair: this.#contents.repair(idOf(identity), nowMs),
    };
  }

  /** Of the identities that claim one Secret the oldest keeps it; the UID decides between equals (L2). */
  #rival(identity: WorkloadIdentity, secretName: string): string | undefined {
    const claims = this.#identities.byIndex('secretName', `${identity.metadata.namespace ?? ''}/${secretName}`);
    const winner = [identity, ...claims].reduce((best, next) => (isOlder(next, best) ? next : best));
    return winner.metadata.uid === identity.metadata.uid ? undefined : winner.metadata.name;
  }

  async #cleanUp(key: QueueKey): Promise<Outcome> {
    const id = `${key.namespace}/${key.name}`;
    this.#contents.forgetIdentity(id);
    this.#foreign.delete(id);
    await this.#departed.cleanUp(key);
    return {};
  }

  async #writeStatus(observed: ObservedIdentity, plan: IdentityPlan, blocker: Blocker | undefined): Promise<void> {
    const { identity, domain, secret } = observed;
    const own = plan.svid === undefined ? undefined : secret;
    const trustDomain = domain.name ?? identity.status?.trustDomain;
    const secretIsIntact = observed.verdict.kind === 'intact';
    const secretIsOurs = observed.verdict.kind === 'intact' && observed.verdict.ours;
    const { resolved, password } = observed;
    const status = identityStatus({ identity, plan, trustDomain, secret: own, secretIsOurs, secretIsIntact, resolved, password, blocker, peers: this.#federation?.peerNames(trustDomain ?? '') ?? [], domain: domain.kind === 'resolved' ? domain.state : undefined, pods: this.#podFindings(identity) }, this.#context.clock.nowMs());
    if (sameStatus(identity.status, status)) return;
    const { uid, resourceVersion, name, namespace = '' } = identity.metadata;
    const written = await this.#context.store.patchStatus({ kind: 'WorkloadIdentity', namespace, name }, status, { uid, resourceVersion });
    this.ownWrites.show({ namespace, name }, () => this.#identities.observeWrite(written));
    this.#older.note(this.kind, status, written.status);
    tellBlocker(this.#context, identity, blocker);
    if (password?.kind === 'unusable') tellPassword(this.#context, identity, password);
  }

  /** A failure is told once, in the conditions; the error itself leads to the next try. */
  async #writeFailure(observed: ObservedIdentity, plan: IdentityPlan, error: unknown): Promise<void> {
    const blocker: Blocker = isMtlsdError(error)
      ? { reason: error.entry.reason, message: error.message }
      : { reason: 'InternalError', message: 'an internal error; the log of mtlsd has the details' };
    try {
      await this.#writeStatus(observed, plan, blocker);
    } catch (secondary) {
      // The store is down: the condition follows when it is back.
      this.#context.log.debug('status not written', { cause: secondary instanceof Error ? secondary.message : 'unknown' });
    }
  }
}

function idOf(identity: WorkloadIdentity): string {
  return `${identity.metadata.namespace ?? ''}/${identity.metadata.name}`;
}
