/**
 * Before, during and after rotations every judge accepts every leaf that may be in use against every bundle that may be
 * delivered then. The record changes and the certificates are the daemon's own; which stages meet is what its gates allow,
 * which the model shows.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { activeAuthority, createRecord, finishRotation, prepareRoot, prepareSuccessors, retireFrom, rootsOf, switchBack, switchTo, type AuthorityRecord } from '../../src/authority/index.ts';
import { decide, Issuer } from '../../src/issuance/index.ts';
import { parseTrustDomainName } from '../../src/spiffe/index.ts';
import { generateKeyPair, keyAlgorithms, type KeyAlgorithm, type KeyPair } from '../../src/x509/index.ts';
import { panelEntries } from '../conformance/judges/panels.ts';
import { requirementsMet } from '../conformance/requirements.ts';
import { complaints, type Leaf, type Meeting } from './judged.ts';

const { env } = process;
const trustDomain = parseTrustDomainName('rotated.example');
const identitiesOfEach = 10;
const rotations = 100;
const hourMs = 3_600_000;
const specs = { root: { keyAlgorithm: 'ECDSAP256', lifetimeMs: 8_760 * hourMs }, issuing: { keyAlgorithm: 'ECDSAP256', lifetimeMs: 336 * hourMs } } as const;
const tools = { generateKeyPair, randomBytes: (length: number) => randomBytes(length) };

const entries = await Promise.all(panelEntries.map(async (entry) => ({ ...entry, ready: await requirementsMet(`${entry.title} judges rotations`, entry.needs, env) })));

/** Files below one folder, written as they are made. */
class Site {
  readonly folder: string;
  readonly #keys = new Map<string, KeyPair>();
  #count = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  async bundle(record: AuthorityRecord): Promise<string> {
    return this.#write(`bundle-${record.bundleGeneration}.pem`, rootsOf(record).map(({ certificatePem }) => certificatePem).join(''));
  }

  /** A leaf of the active issuing authority for each identity. */
  async leaves(record: AuthorityRecord, each = identitiesOfEach): Promise<readonly Leaf[]> {
    const issuer = await Issuer.open(activeAuthority(record, 'Issuing'), record.signerEpoch);
    const made: Leaf[] = [];
    for (const algorithm of keyAlgorithms) for (let index = 0; index < each; index += 1) made.push(await this.#leaf(issuer, algorithm, index));
    return made;
  }

  async #leaf(issuer: Issuer, algorithm: KeyAlgorithm, index: number): Promise<Leaf> {
    const name = `${algorithm.toLowerCase()}-${index}`;
    const policy = { trustDomain, pathTemplate: '/ns/{namespace}/sa/{serviceAccount}', allowedDnsPatterns: ['*.{namespace}.svc'], defaultTtlMs: hourMs, maxTtlMs: 24 * hourMs, minTtlMs: 60_000, minTtlReason: 'as short as can be' };
    const decision = decide({ namespace: 'live', serviceAccountName: name, dnsNames: [`${name}.live.svc`], commonName: undefined, ttlMs: undefined }, policy);
    if (!decision.granted) throw new Error(JSON.stringify(decision.denials));
    // A large RSA key takes seconds to make: identities of that kind share one.
    const keyPair = this.#keys.get(algorithm) ?? (await generateKeyPair(algorithm));
    if (algorithm.startsWith('RSA')) this.#keys.set(algorithm, keyPair);
    const lease = { permits: () => true, acknowledge: async () => undefined };
    const { chainPem } = issuer.issue(decision.grant, keyPair.publicKey, randomBytes(16), lease, Date.now());
    const number = (this.#count += 1);
    return { algorithm, name, chain: await this.#write(`${number}.crt`, chainPem), key: await this.#write(`${number}.key`, keyPair.privateKeyPem()) };
  }

  async #write(name: string, text: string): Promise<string> {
    const file = join(this.folder, name);
    await writeFile(file, text, { mode: 0o600 });
    return file;
  }
}

/** What a rotation and one that is given up after its switch let meet. */
async function stagesOf(site: Site): Promise<readonly Meeting[]> {
  const [forth, back] = [{ uid: 'forth', name: 'forth' }, { uid: 'back', name: 'back' }];
  const first = await createRecord(trustDomain, specs, Date.now(), tools);
  const firstLeaves = await site.leaves(first);
  const prepared = prepareRoot(first, forth, await prepareSuccessors(first, 'Root', specs, Date.now(), tools), Date.now());
  const switched = switchTo(prepared, forth, Date.now(), Date.now());
  const secondLeaves = await site.leaves(switched);
  const retired = finishRotation(retireFrom(switched, forth, [], Date.now()), forth, 'Complete', Date.now());
  const preparedAgain = prepareRoot(retired, back, await prepareSuccessors(retired, 'Root', specs, Date.now(), tools), Date.now());
  const switchedAgain = switchTo(preparedAgain, back, Date.now(), Date.now());
  const thirdLeaves = await site.leaves(switchedAgain);
  const { issuing } = await prepareSuccessors({ ...retired, rotation: undefined }, 'Issuing', specs, Date.now(), tools);
  const given = switchBack(switchedAgain, back, issuing, Date.now(), Date.now());
  const fourthLeaves = await site.leaves(given);
  const dropped = retireFrom(given, back, [], Date.now());
  const bundle = async (record: AuthorityRecord): Promise<string> => site.bundle(record);
  return [
    { title: 'before', leaves: firstLeaves, bundles: [await bundle(first)] },
    { title: 'while the new root is distributed', leaves: firstLeaves, bundles: [await bundle(first), await bundle(prepared)] },
    { title: 'while identities are re-issued', leaves: [...firstLeaves, ...secondLeaves], bundles: [await bundle(switched)] },
    { title: 'while the old root is withdrawn, and after', leaves: secondLeaves, bundles: [await bundle(switched), await bundle(retired)] },
    { title: 'while a rotation is given up', leaves: [...secondLeaves, ...thirdLeaves, ...fourthLeaves], bundles: [await bundle(given)] },
    { title: 'after it was given up', leaves: fourthLeaves, bundles: [await bundle(given), await bundle(dropped)] },
  ];
}

/** The record after a hundred rotations in a row, each to its end. */
async function rotatedOftenRecord(): Promise<AuthorityRecord> {
  let record = await createRecord(trustDomain, specs, Date.now(), tools);
  for (let count = 0; count < rotations; count += 1) {
    const names = { uid: `uid-${count}`, name: `often-${count}` };
    const prepared = prepareRoot(record, names, await prepareSuccessors(record, 'Root', specs, Date.now(), tools), Date.now());
    record = finishRotation(retireFrom(switchTo(prepared, names, Date.now(), Date.now()), names, [], Date.now()), names, 'Complete', Date.now());
  }
  return record;
}

describe('rotations before judges that nobody here wrote', () => {
  let folder: string;
  let stages: readonly Meeting[];
  let often: Meeting;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mtlsd-judged-'));
    const site = new Site(folder);
    stages = await stagesOf(site);
    const record = await rotatedOftenRecord();
    expect([record.bundleGeneration, record.signerEpoch, record.authorities.length]).toEqual([1 + 2 * rotations, 1 + rotations, 2]);
    often = { title: 'after a hundred rotations in a row', leaves: await site.leaves(record, 1), bundles: [await site.bundle(record)] };
  }, 300_000);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  // keytool installs one root at a time: it is asked where there is one.
  describe.for(entries)('$title', ({ title, open, ready }) => {
    test.skipIf(!ready)('accepts every leaf that may be in use against every bundle that may be delivered, and after a hundred rotations (L19)', { timeout: 600_000 }, async () => {
      await using panel = await open(env);
      for (const stage of [...stages, often]) {
        if (title === 'keytool' && !['before', 'after a hundred rotations in a row'].includes(stage.title)) continue;
        expect([stage.title, await complaints(panel, trustDomain, stage)]).toEqual([stage.title, []]);
      }
    });
  });
});
