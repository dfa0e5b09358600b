import type { WorkloadIdentity } from '../../src/resources/index.ts';
import { Violation } from './checks.ts';
import { drawFaultRates, noFaultRates } from './faults.ts';
import { allowed, decidedAtMs, outsidePolicy, readPair } from './oracle.ts';
import { Random } from './random.ts';
import { actAsUser, drawIdentity, drawTrustDomain, followConditions, putIdentity, putTrustDomain, restoreRecords } from './users.ts';
import { World, type Sabotage } from './world.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** How far time goes at once when all is calm. */
const strideMs = 8 * minuteMs;

/** One run: users and faults by chance, then calm, then judgement. @throws Violation, or whatever else went wrong */
async function simulate(world: World): Promise<void> {
  const { random } = world;
  world.inject(random.chance(0.2) ? noFaultRates : drawFaultRates(random));
  world.disorder = random.chance(0.3) ? 0 : random.unit();
  world.asUser('begins', () => {
    putTrustDomain(world, 'a.example', drawTrustDomain(world));
    putIdentity(world, 'shop', 'cart', drawIdentity(world));
    if (random.chance(0.5)) putIdentity(world, 'bank', 'till', drawIdentity(world));
  });
  world.start();
  const rounds = 6 + random.below(24);
  for (let round = 0; round < rounds; round += 1) await trouble(world);
  await calm(world);
  await judge(world);
}

/** A few steps of work, then something happens. */
async function trouble(world: World): Promise<void> {
  const { random } = world;
  for (let steps = random.below(30); steps > 0 && world.busy; steps -= 1) await world.step();
  const what = random.unit();
  if (what < 0.5) return actAsUser(world);
  if (what < 0.72) return passTime(world);
  if (what < 0.8) return restart(world);
  if (what < 0.84) return setClock(world);
  if (what < 0.88) world.storeIsDown = !world.storeIsDown;
  else if (what < 0.9) await goAway(world);
  else if (what < 0.93) removeDefinition(world);
}

async function passTime(world: World): Promise<void> {
  const { random, time } = world;
  const toTimer = (time.nextTimerMs ?? time.trueMs) - time.trueMs;
  await world.advance(random.chance(0.6) ? Math.max(0, toTimer) : random.below(random.pick([minuteMs, hourMs, 6 * hourMs])));
}

async function restart(world: World): Promise<void> {
  world.crash();
  if (world.random.chance(0.3)) await world.advance(world.random.below(hourMs));
  world.start();
}

function setClock(world: World): void {
  const { random, time } = world;
  const by = random.pick([0, 0, 30_000, -30_000, 10 * minuteMs, -10 * minuteMs, 5 * hourMs, 30 * hourMs]);
  time.skewMs = by;
  world.note(`clock is wrong by ${by / 1000}s`);
}

/** Stopped for long: longer than half a life, or than an authority's. */
async function goAway(world: World): Promise<void> {
  world.crash();
  await world.advance(world.random.pick([2, 8, 30, 24 * 20]) * hourMs);
  world.start();
}

/** The definition of our kind goes with all objects, and comes back without them. */
function removeDefinition(world: World): void {
  const { store } = world;
  world.asUser('remove the definition of WorkloadIdentity', () => {
    store.setServed('WorkloadIdentity', false);
    for (const { metadata } of store.all('WorkloadIdentity')) store.remove({ kind: 'WorkloadIdentity', namespace: metadata.namespace ?? '', name: metadata.name });
  });
}

/** Faults stop, the clock is right, operators do what conditions say, and time passes. */
async function calm(world: World): Promise<void> {
  world.note('calm');
  world.calmDown();
  world.time.skewMs = 0;
  world.store.setServed('WorkloadIdentity', true);
  if (world.process === undefined) world.start();
  const restores = world.random.chance(0.7);
  // Two hours: what repairs are bounded to, the longest back-off and a few renewals fit in.
  for (let passed = 0; passed < 2 * hourMs; passed += strideMs) {
    await world.drain();
    world.asUser('looks after', () => {
      if (passed > 0) restoreRecords(world, 'damaged');
      else if (restores) restoreRecords(world, 'all');
      followConditions(world);
    });
    await world.drain();
    await world.advance(Math.max(strideMs, authoritiesBegin(world) + 1000 - world.time.trueMs));
  }
  await world.drain();
}

/** When the last authority begins: some may have been made while the clock was ahead. */
function authoritiesBegin(world: World): number {
  const times = world.trustDomains().flatMap(({ status }) => status?.authorities?.map(({ notBefore }) => Date.parse(notBefore)) ?? []);
  return Math.max(0, ...times);
}

/** At rest everything is as the objects say, and nothing is written any more, not even by a new process. */
async function judge(world: World): Promise<void> {
  for (const identity of world.store.all('WorkloadIdentity')) judgeIdentity(world, identity);
  judgeLitter(world);
  const before = JSON.stringify(world.checks.writes);
  const statusBefore = statuses(world);
  world.crash();
  await world.drain();
  world.start();
  await world.drain();
  const after = JSON.stringify(world.checks.writes);
  if (before !== after) throw new Violation(`a restart at rest wrote something: ${before} became ${after}\n${statusBefore}\n${statuses(world)}`);
}

function statuses(world: World): string {
  return world.store.all('WorkloadIdentity').map(({ metadata, status }) => `${metadata.namespace}/${metadata.name} ${JSON.stringify(status)}`).join('\n');
}

function conditionOf(identity: WorkloadIdentity, type: string) {
  return identity.status?.conditions?.find((condition) => condition.type === type);
}

/** What an identity must look like at rest. */
function judgeIdentity(world: World, identity: WorkloadIdentity): void {
  const { store } = world;
  const { namespace = '', name } = identity.metadata;
  const who = `WorkloadIdentity ${namespace}/${name}`;
  const ready = conditionOf(identity, 'Ready');
  const issued = conditionOf(identity, 'Issued');
  if (ready === undefined || issued === undefined) throw new Violation(`${who} has no conditions`);
  const { status = {} } = identity;
  if (status.observedGeneration !== identity.metadata.generation) throw new Violation(`${who}: the status speaks of another generation`);
  const expected = expectation(world, identity);
  const isIssuable = expected === 'Ready' || expected === 'AuthorityTooShortLived';
  const wanted = isIssuable && isOccupied(world, identity) ? ['SecretNotOurs', expected] : [expected];
  if (expected !== 'Ready' || wanted.length > 1) {
    if (!wanted.includes(issued.reason) || issued.status === 'True') throw new Violation(`${who} should say ${expected}, but says ${issued.reason}: ${issued.message}`);
    return;
  }
  if (ready.status !== 'True' || issued.status !== 'True') throw new Violation(`${who} should be ready, but says ${issued.reason}: ${issued.message}; ${ready.message}`);
  const secret = store.peek({ kind: 'Secret', namespace, name: identity.spec.secretName ?? `${name}-mtls` });
  if (secret === undefined) throw new Violation(`${who} is ready without a Secret`);
  const pair = readPair(secret);
  const trustDomain = store.peek({ kind: 'TrustDomain', name: status.trustDomain ?? '' });
  if (trustDomain === undefined) throw new Violation(`${who} is ready without a trust domain`);
  const nowMs = world.time.trueMs;
  if (pair.fromMs > nowMs || pair.toMs <= nowMs) throw new Violation(`${who} is ready with a certificate that is not valid now`);
  const grant = allowed(identity, trustDomain);
  const outside = outsidePolicy(pair, grant, decidedAtMs(pair, grant));
  if (outside !== undefined) throw new Violation(`${who} is ready with another certificate than its spec asks for: ${outside}`);
  if (BigInt(`0x${status.serialNumber}`) !== BigInt(`0x${pair.leaf.serialNumber}`)) throw new Violation(`${who}: the status names serial ${status.serialNumber}, the Secret holds ${pair.leaf.serialNumber.toLowerCase()}`);
  for (const [key, value] of Object.entries(identity.spec.secretTemplate?.labels ?? {})) {
    if (secret.metadata.labels?.[key] !== value) throw new Violation(`${who}: the Secret lacks label ${key}`);
  }
  if (secret.metadata.annotations?.['mtlsd.io/deletion-policy'] !== (identity.spec.deletionPolicy ?? 'Delete')) throw new Violation(`${who}: the Secret has another deletion policy`);
}

/** `Ready`, or the reason that the condition must give. Said without any of the product's decisions. */
function expectation(world: World, identity: WorkloadIdentity): string {
  const { store } = world;
  const { namespace = '', name } = identity.metadata;
  const secretName = identity.spec.secretName ?? `${name}-mtls`;
  const claimants = store.all('WorkloadIdentity').filter(({ metadata, spec }) => metadata.namespace === namespace && (spec.secretName ?? `${metadata.name}-mtls`) === secretName);
  const oldest = claimants.toSorted((a, b) => a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp) || a.metadata.uid.localeCompare(b.metadata.uid))[0];
  if (oldest?.metadata.uid !== identity.metadata.uid) return 'Conflict';
  const all = store.all('TrustDomain');
  const named = identity.spec.trustDomain ?? identity.status?.trustDomain;
  const candidates = named === undefined ? (all.some(({ spec }) => spec.default === true) ? all.filter(({ spec }) => spec.default === true) : all) : all.filter(({ metadata }) => metadata.name === named);
  const [trustDomain] = candidates;
  if (trustDomain === undefined) return 'TrustDomainMissing';
  if (candidates.length > 1) return 'TrustDomainAmbiguous';
  const problem = trustDomain.status?.conditions?.find(({ type }) => type === 'Ready');
  if (problem?.status !== 'True') throw new Violation(`TrustDomain ${trustDomain.metadata.name} did not heal: ${problem?.message}`);
  const grant = allowed(identity, trustDomain);
  if (grant.denied !== undefined) return 'Denied';
  const issuer = trustDomain.status?.authorities?.find(({ keyIdentifier }) => keyIdentifier === trustDomain.status?.activeIssuer);
  // A root that is about to end cannot honour every life: the condition of the trust domain says so.
  if (problem.reason === 'RootEnding' && Date.parse(issuer?.notAfter ?? '') < world.time.trueMs + grant.ttlMs) return 'AuthorityTooShortLived';
  return 'Ready';
}

/** Whether a Secret that is not ours stands where that of the identity should be. */
function isOccupied(world: World, identity: WorkloadIdentity): boolean {
  const { namespace = '', name } = identity.metadata;
  const secret = world.store.peek({ kind: 'Secret', namespace, name: identity.spec.secretName ?? `${name}-mtls` });
  return secret !== undefined && (world.checks.isForeign(secret) || !hasMarks(secret.metadata));
}

function hasMarks({ labels, annotations, namespace = '', name }: { labels?: Readonly<Record<string, string>>; annotations?: Readonly<Record<string, string>>; namespace?: string; name: string }): boolean {
  return labels?.['app.kubernetes.io/managed-by'] === 'mtlsd' && annotations?.['mtlsd.io/identity'] !== undefined && annotations['mtlsd.io/written-as'] === `${namespace}/${name}`;
}

/** What is left of identities that are gone went by their policy. */
function judgeLitter(world: World): void {
  for (const secret of world.store.all('Secret')) {
    if (world.checks.isForeign(secret) || !hasMarks(secret.metadata)) continue;
    const { namespace = '', name, annotations = {} } = secret.metadata;
    const owner = world.store.peek({ kind: 'WorkloadIdentity', namespace, name: annotations['mtlsd.io/identity'] ?? '' });
    const claimed = world.store.all('WorkloadIdentity').some(({ metadata, spec }) => metadata.namespace === namespace && (spec.secretName ?? `${metadata.name}-mtls`) === name);
    if (owner === undefined && !claimed && annotations['mtlsd.io/deletion-policy'] !== 'Retain' && world.checks.policyOf(`${namespace}/${annotations['mtlsd.io/identity'] ?? ''}`) !== 'Retain') {
      throw new Violation(`Secret ${namespace}/${name} was left behind by ${annotations['mtlsd.io/identity']}, whose policy was ${annotations['mtlsd.io/deletion-policy']}`);
    }
  }
}

/** Runs one seed. A failure carries the trace and how to see it again. */
export async function runSeed(seed: number, sabotage: Sabotage = {}): Promise<World> {
  const world = new World(new Random(seed), sabotage);
  try {
    await simulate(world);
    return world;
  } catch (error) {
    const reason = error instanceof Error ? (error instanceof Violation ? error.message : (error.stack ?? error.message)) : 'unknown';
    throw new Error(`seed ${seed}: ${reason}\n\nreplay: SIM_SEED=${seed} npx vitest run --project model\n\n${world.trace.slice(-250).join('\n')}\n\n${world.describe()}`, { cause: error });
  } finally {
    world.process?.kill();
  }
}
