import { acceptRestored, activeAuthority, createRecord, dropRetired, turnOverIssuing, withFirstJwtAuthority, type AuthorityRecord } from '../../authority/index.ts';
import { isMtlsdError } from '../../errors/index.ts';
import { Issuer, type IssuancePolicy } from '../../issuance/index.ts';
import { resolvedRotationSettings, resolvedTrustDomainSpec, type TrustDomain } from '../../resources/index.ts';
import { shortestLifeMs } from '../../rotation/index.ts';
import { parseTrustDomainName, type TrustDomainName } from '../../spiffe/index.ts';
import type { SecretMetadata } from '../../store/port.ts';
import type { IdentityCaches } from '../caches.ts';
import type { ControllerContext } from '../context.ts';
import { renderBundle, sameDomain, type DomainProblem, type Domains, type DomainState } from '../domains.ts';
import type { Federation } from '../federation/federation.ts';
import { openJwt, type JwtDomain } from '../jwt/domain.ts';
import { jwtKeyFigures } from '../jwt/figures.ts';
import { issuerHolder, issuerTakenReason } from '../jwt/issuer-claim.ts';
import { afterJwtStep, keysWithout, planJwt, tellJwtStep, withJwtOfBefore, type JwtSituation } from '../jwt/keys.ts';
import type { BundleTargets } from '../bundle/targets.ts';
import type { Cache } from '../runtime/cache.ts';
import type { Outcome, Reconciler } from '../runtime/controller.ts';
import type { QueueKey } from '../runtime/queue.ts';
import { OlderDefinitions } from '../older-definitions.ts';
import { sameStatus } from '../status.ts';
import { acceptRecordAnnotation, deliveredBy, recordOlderReason } from './older-record.ts';
import { loadHealed } from './lost-reservations.ts';
import { newRootAnnotation, planTrustDomain, type TrustDomainPlan } from './plan.ts';
import { authorityRecordLabel, saveRecord, type LoadedRecord } from './record-store.ts';
import { nextMarkMs, rootEnding } from './root-ending.ts';
import { stopsIssuance, trustDomainStatus } from './status.ts';
import { ttlFloor } from './ttl-floor.ts';

/** More steps than any plan needs: a loop that does not settle is a defect, and is told instead of run for ever. */
const stepsMax = 8;
/** A replica without the newest record may go on signing this long. Standalone there is one process, and none. */
const leaseMs = 60_000;

type ResolvedSpec = ReturnType<typeof resolvedTrustDomainSpec>;

/**
 * Keeps the authorities of a trust domain: creates them once, turns the issuing authority over, projects the record into
 * status, and opens the issuer that the identity controller signs with.
 */
export class TrustDomainReconciler implements Reconciler {
  readonly kind = 'TrustDomain';
  readonly #context: ControllerContext;
  readonly #trustDomains: Cache<TrustDomain>;
  readonly #secrets: Cache<SecretMetadata>;
  readonly #identities: IdentityCaches['identities'];
  readonly #domains: Domains;
  readonly #older: OlderDefinitions;
  /** The record of each trust domain as it was read last. */
  readonly #loaded = new Map<string, LoadedRecord>();
  readonly #targets: BundleTargets;
  readonly #federation: Federation;

  constructor(context: ControllerContext, caches: IdentityCaches, domains: Domains, targets: BundleTargets, federation: Federation) {
    this.#context = context;
    this.#older = new OlderDefinitions(context.log);
    this.#trustDomains = caches.trustDomains;
    this.#secrets = caches.secrets;
    this.#identities = caches.identities;
    this.#domains = domains;
    this.#targets = targets;
    this.#federation = federation;
  }

  deadlineMs(key: QueueKey): number | undefined {
    return this.#domains.get(key.name)?.issuer?.notAfterMs;
  }

  async reconcile(key: QueueKey): Promise<Outcome> {
    const object = this.#trustDomains.get(undefined, key.name);
    if (object === undefined) {
      // Its record stays: what identities still present must go on verifying, and a root is not deleted by a slip.
      this.#domains.delete(key.name);
      this.#loaded.delete(key.name);
      this.#federation.forget(key.name);
      this.#context.metrics.jwtKeys?.(key.name, undefined);
      return {};
    }
    const name = parseTrustDomainName(key.name);
    const spec = resolvedTrustDomainSpec(object);
    // Before identities see the trust domain: what was delivered of others is not taken away for a moment.
    await this.#federation.load(object);
    const takenBy = issuerHolder(object, this.#trustDomains.values());
    this.#giveIssuerUp(name, object, takenBy);
    const settled = await this.#settle(name, object, takenBy === undefined ? spec : { ...spec, jwt: undefined }, takenBy);
    // A new root signs nothing before status names it: were its record lost then, nobody would know what was lost. What
    // stops issuance, in contrast, waits for no write.
    const jwt = openJwt(this.#domains.get(name)?.jwt, object, settled.record, takenBy);
    this.#takeKeysAway(name, settled.record, jwt);
    const publish = async (): Promise<void> => this.#publish(name, object, spec, { ...settled, jwt });
    if (settled.problem !== undefined) await publish();
    await this.#writeStatus(object, settled.record, settled.problem, jwt);
    await publish();
    this.#tellRootEnding(object, settled.record);
    this.#context.metrics.jwtKeys?.(name, jwtKeyFigures(object, settled.record, jwt));
    return { nextAtMs: nextLookMs(settled.nextAtMs, settled.record, this.#context.clock.nowMs()) };
  }

  /** Observe, plan, act, until the plan has nothing more to do. */
  async #settle(name: TrustDomainName, object: TrustDomain, spec: ResolvedSpec, takenBy: string | undefined) {
    for (let step = 0; step < stepsMax; step += 1) {
      const loaded = await loadHealed(this.#context, name, object, this.#loaded.get(name));
      this.#loaded.set(name, loaded);
      const nowMs = this.#context.clock.nowMs();
      const plan = planTrustDomain(
        {
          name,
          record: loaded.state,
          traces: this.#traces(object),
          lastRoot: object.status?.authorities?.find(({ role, state }) => role === 'Root' && state === 'Active')?.keyIdentifier,
          newRoot: object.metadata.annotations?.[newRootAnnotation],
          acceptRecord: object.metadata.annotations?.[acceptRecordAnnotation],
          delivered: deliveredBy(object),
          limits: { maxTtlMs: spec.svid.maxTtlMs, lifetimeMs: spec.issuingAuthority.lifetimeMs, leaseMs },
          recordLocation: this.#context.recordLocation(name),
        },
        nowMs,
      );
      if (plan.action === 'none') {
        // An older record is not shown to anybody: status has to go on saying what was delivered.
        const isInForce = plan.problem?.reason !== recordOlderReason;
        const record = loaded.state.kind === 'loaded' && isInForce ? loaded.state.record : undefined;
        const jwtAtMs = record === undefined ? undefined : await this.#settleJwt({ object, record, shown: this.#domains.get(name)?.record?.jwt, takenBy }, loaded, nowMs);
        if (jwtAtMs === 'changed') continue;
        return { record, problem: plan.problem, nextAtMs: earliest(plan.nextAtMs, jwtAtMs) };
      }
      await this.#act(name, object, spec, loaded, plan, nowMs);
    }
    throw new Error(`invariant broken: the authorities of ${name} do not settle`);
  }

  /** One step of the keys for tokens; when to look at them again if none is due. */
  async #settleJwt(situation: JwtSituation, loaded: LoadedRecord, nowMs: number): Promise<'changed' | number | undefined> {
    const step = planJwt(situation, nowMs);
    if (step.action === 'none') return step.nextAtMs;
    const after = await afterJwtStep(situation, step, nowMs, this.#context.tools);
    await saveRecord(this.#context, after, loaded.precondition);
    tellJwtStep(this.#context, situation, step, after);
    return 'changed';
  }

  /** What an earlier record must have made: with any of it there, an absent record is a lost one. */
  #traces(object: TrustDomain): readonly string[] {
    const secrets = this.#secrets.byIndex('trustDomain', object.metadata.name).filter((secret) => secret.metadata.labels?.[authorityRecordLabel] === undefined);
    const traces = secrets.slice(0, 3).map((secret) => `Secret ${secret.metadata.namespace}/${secret.metadata.name}`);
    if (object.status?.bundle !== undefined) traces.push(`the bundle in its status (SHA-256 ${object.status.bundle.sha256.slice(0, 16)}…)`);
    return traces;
  }

  async #act(name: TrustDomainName, object: TrustDomain, spec: ResolvedSpec, loaded: LoadedRecord, plan: Exclude<TrustDomainPlan, { action: 'none' }>, nowMs: number): Promise<void> {
    const before = loaded.state.kind === 'loaded' ? loaded.state.record : undefined;
    const record = await this.#nextRecord(name, object, spec, before, plan, nowMs);
    await saveRecord(this.#context, record, loaded.precondition);
    this.#tell(name, object, record, plan);
  }

  async #nextRecord(name: TrustDomainName, object: TrustDomain, spec: ResolvedSpec, before: AuthorityRecord | undefined, plan: Exclude<TrustDomainPlan, { action: 'none' }>, nowMs: number): Promise<AuthorityRecord> {
    const { tools } = this.#context;
    const specs = { root: spec.rootAuthority, issuing: spec.issuingAuthority };
    switch (plan.action) {
      case 'create': {
        const created = await createRecord(name, specs, nowMs, tools);
        return spec.jwt === undefined ? created : withFirstJwtAuthority(created, spec.jwt.algorithm, nowMs, tools);
      }
      case 'replace':
        return withJwtOfBefore(await createRecord(name, specs, nowMs, tools, before ?? countersOf(object)), before, object);
      case 'accept':
        return acceptRestored(present(before), deliveredBy(object));
      case 'turn-over':
        return turnOverIssuing(present(before), specs.issuing, shortestLifeMs, nowMs, tools);
      case 'drop':
        return dropRetired(present(before), plan.keyIdentifiers);
    }
  }

  #tell(name: TrustDomainName, object: TrustDomain, record: AuthorityRecord, plan: Exclude<TrustDomainPlan, { action: 'none' }>): void {
    const { audit, events } = this.#context;
    const root = activeAuthority(record, 'Root').keyIdentifier;
    const issuing = activeAuthority(record, 'Issuing').keyIdentifier;
    const target = `TrustDomain ${name}`;
    if (plan.action === 'drop') {
      for (const authority of plan.keyIdentifiers) audit.record({ decision: 'authority-dropped', object: target, trustDomain: name, authority, reason: 'nothing it signed is live' });
      return;
    }
    if (plan.action === 'accept') {
      audit.record({ decision: 'authority-rotation', object: target, trustDomain: name, authority: root, reason: 'a restored record was accepted' });
      events.record(object, { type: 'Warning', reason: 'RestoredRecordAccepted', message: `the restored record with root authority ${root} is in force: its bundle has generation ${record.bundleGeneration}` });
      return;
    }
    const made = plan.action !== 'turn-over';
    const why = 'why' in plan ? plan.why : 'first root';
    const decision = made ? 'authority-created' : 'authority-turned-over';
    const jwtKeys = (plan.action === 'create' ? (record.jwt?.keys ?? []) : []).map(({ keyIdentifier }) => keyIdentifier);
    for (const authority of made ? [root, issuing, ...jwtKeys] : [issuing]) audit.record({ decision, object: target, trustDomain: name, authority, reason: why });
    events.record(object, {
      type: 'Normal',
      reason: made ? 'RootCreated' : 'IssuingTurnedOver',
      message: made ? `root authority ${root} and issuing authority ${issuing} are active (${why})` : `issuing authority ${issuing} has taken over (${why}); bundles do not change`,
    });
  }

  /** An Event at each of the marks before the end of the root; the condition stays. */
  #tellRootEnding(before: TrustDomain, record: AuthorityRecord | undefined): void {
    const ending = record === undefined ? undefined : rootEnding(record, this.#context.clock.nowMs());
    const told = before.status?.conditions?.find(({ type }) => type === 'RootEnding')?.reason;
    if (ending?.status === 'True' && told !== ending.reason) this.#context.events.record(before, { type: 'Warning', reason: ending.reason, message: ending.message });
  }

  /** A key for tokens that the record has no more signs nothing and is shown to nobody from here on, whatever comes of the status. */
  #takeKeysAway(name: TrustDomainName, record: AuthorityRecord | undefined, jwt: JwtDomain | undefined): void {
    const known = this.#domains.get(name);
    if (known?.record === undefined || record === undefined || keysWithout(known.record, record).length === 0) return;
    this.#domains.set(name, { ...known, jwt, record: { ...known.record, jwt: record.jwt } });
  }

  /** Under an issuer that belongs to another trust domain nothing is signed or published from here on, whatever comes of the record. */
  #giveIssuerUp(name: TrustDomainName, object: TrustDomain, takenBy: string | undefined): void {
    const known = this.#domains.get(name);
    if (takenBy === undefined || known?.record === undefined || known.jwt?.takenBy === takenBy) return;
    this.#domains.set(name, { ...known, object, jwt: openJwt(known.jwt, object, known.record, takenBy) });
  }

  /** Opens the issuer when it changed, and shows the domain to the identity controller. */
  async #publish(name: TrustDomainName, object: TrustDomain, spec: ResolvedSpec, { record, problem, jwt }: { readonly record: AuthorityRecord | undefined; readonly problem: DomainProblem | undefined; readonly jwt: JwtDomain | undefined }): Promise<void> {
    const known = this.#domains.get(name);
    const opened = await this.#openIssuer(known, record);
    const stopping = problem ?? opened.problem;
    if (opened.issuer !== undefined) await this.#context.lease.acknowledge(name, opened.issuer.signerEpoch);
    const state: DomainState = {
      object,
      isDefault: spec.isDefault,
      policy: this.#policy(name, spec, resolvedRotationSettings(object)),
      record,
      issuer: stopsIssuance(stopping) ? undefined : opened.issuer,
      bundle: record === undefined ? undefined : renderBundle(name, record),
      jwt,
      problem: stopsIssuance(stopping) ? stopping : undefined,
    };
    if (known === undefined || !sameDomain(known, state)) this.#domains.set(name, state);
  }

  async #openIssuer(known: DomainState | undefined, record: AuthorityRecord | undefined): Promise<{ issuer?: Issuer; problem?: DomainProblem }> {
    if (record === undefined) return {};
    const active = activeAuthority(record, 'Issuing');
    if (known?.issuer?.keyIdentifier === active.keyIdentifier && known.issuer.signerEpoch === record.signerEpoch) return { issuer: known.issuer };
    try {
      return { issuer: await Issuer.open(active, record.signerEpoch) };
    } catch (error) {
      if (!isMtlsdError(error)) throw error;
      return { problem: { reason: error.entry.reason, message: error.message } };
    }
  }

  #policy(trustDomain: TrustDomainName, spec: ResolvedSpec, { propagationBoundMs }: ReturnType<typeof resolvedRotationSettings>): IssuancePolicy {
    return {
      trustDomain,
      pathTemplate: spec.pathTemplate,
      allowedDnsPatterns: spec.allowedDnsPatterns,
      defaultTtlMs: spec.svid.ttlMs,
      maxTtlMs: spec.svid.maxTtlMs,
      ...ttlFloor(this.#context.delivery, propagationBoundMs),
    };
  }

  async #writeStatus(object: TrustDomain, record: AuthorityRecord | undefined, problem: DomainProblem | undefined, jwt: JwtDomain | undefined): Promise<void> {
    const status = trustDomainStatus({ object, record, problem, jwt, targets: this.#targets.counts(object.metadata.name, object.status?.targets), violations: this.#targets.violations(object.metadata.name), inUse: this.#identities.countByIndex('trustDomain', object.metadata.name) > 0, federation: this.#federation.statuses(object) }, this.#context.clock.nowMs());
    if (sameStatus(object.status, status)) return;
    const { uid, resourceVersion } = object.metadata;
    const written = await this.#context.store.patchStatus({ kind: 'TrustDomain', name: object.metadata.name }, status, { uid, resourceVersion });
    this.#trustDomains.observeWrite(written);
    this.#older.note(this.kind, status, written.status);
    const was = (type: string): string | undefined => object.status?.conditions?.find((condition) => condition.type === type)?.reason;
    if (problem !== undefined && was('Ready') !== problem.reason) this.#context.events.record(object, { type: 'Warning', ...problem });
    if (jwt?.problem?.reason === issuerTakenReason && was('JWTReady') !== issuerTakenReason) this.#context.events.record(object, { type: 'Warning', ...jwt.problem });
  }
}

/** The counters that status remembers, so that they go on rising when the record itself was lost. */
function countersOf(object: TrustDomain): Pick<AuthorityRecord, 'signerEpoch' | 'bundleGeneration' | 'bundleSequence'> {
  const generation = object.status?.bundle?.generation ?? 0;
  return { signerEpoch: object.status?.signerEpoch ?? 0, bundleGeneration: generation, bundleSequence: BigInt(generation) };
}

function present(record: AuthorityRecord | undefined): AuthorityRecord {
  if (record === undefined) throw new Error('invariant broken: no record to change');
  return record;
}

function nextLookMs(nextAtMs: number | undefined, record: AuthorityRecord | undefined, nowMs: number): number | undefined {
  return earliest(nextAtMs, record === undefined ? undefined : nextMarkMs(record, nowMs));
}

function earliest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}
