import { randomBytes } from 'node:crypto';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRecord, rootsOf } from '../../src/authority/index.ts';
import { encodeSpiffeBundle, parseTrustDomainName } from '../../src/spiffe/index.ts';
import { encodePem, generateKeyPair, parseCertificate, parsePem } from '../../src/x509/index.ts';
import { goJudge } from './judges/go.ts';
import type { Panel, Sample } from './judges/judge.ts';
import { panelEntries } from './judges/panels.ts';
import { readIdentity } from './identity-folder.ts';
import { Product } from './product.ts';
import { requirementsMet } from './requirements.ts';

const run = promisify(execFile);
const { env } = process;
const trustDomain = 'rotated.example';
const rotations = 99;

// keytool installs one root at a time.
const entries = await Promise.all(
  panelEntries
    .filter(({ title }) => title !== 'keytool')
    .map(async (entry) => ({ ...entry, ready: await requirementsMet(`${entry.title} judges a bundle of 100 roots`, entry.needs, env) })),
);

/** Roots of this trust domain, as the daemon makes them. */
async function formerRoots(): Promise<readonly Uint8Array[]> {
  const authority = { keyAlgorithm: 'ECDSAP256', lifetimeMs: 365 * 86_400_000 } as const;
  const tools = { generateKeyPair, randomBytes: (length: number) => randomBytes(length) };
  const make = async (): Promise<readonly Uint8Array[]> =>
    rootsOf(await createRecord(parseTrustDomainName(trustDomain), { root: authority, issuing: authority }, Date.now(), tools)).map(({ certificate }) => certificate.der);
  const made = await Promise.all(Array.from({ length: rotations }, make));
  return made.flat();
}

// L19: what is left in a bundle after many rotations must not trip a verifier that looks for the one root that matters.
describe('a bundle of 100 rotated roots', () => {
  let product: Product;
  let sample: Sample;
  let roots: readonly Uint8Array[];
  let scratch: string;
  const written = (name: string): string => join(scratch, name);

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'mtlsd-rotated-'));
    product = await Product.create([
      { kind: 'TrustDomain', name: trustDomain, spec: {} },
      { kind: 'WorkloadIdentity', namespace: 'rotated', name: 'web', spec: { dnsNames: ['web.rotated.svc'] } },
    ]);
    product.start();
    const folder = product.identityFolder('rotated', 'web');
    await product.untilIssued(folder, () => true);
    const generation = readIdentity(folder).folder;
    const [current] = parsePem(await readFile(join(generation, 'ca.crt'), 'utf8'));
    if (current === undefined) throw new TypeError('ca.crt is empty');
    // The root that counts stands last.
    roots = [...(await formerRoots()), current.der];
    await writeFile(written('hundred.pem'), roots.map((der) => encodePem('CERTIFICATE', der)).join(''));
    sample = { chain: join(generation, 'tls.crt'), key: join(generation, 'tls.key'), roots: written('hundred.pem'), trustDomain };
  });

  afterAll(async () => {
    await product[Symbol.asyncDispose]();
    await rm(scratch, { recursive: true });
  });

  test('has a subject of its own for each of them', () => {
    const subjects = new Set(roots.map((der) => parseCertificate(der).subject.text));
    expect([roots.length, subjects.size]).toEqual([100, 100]);
  });

  describe.for(entries)('$title', ({ open, ready }) => {
    let panel: Panel;

    beforeAll(async () => {
      if (ready) panel = await open(env);
    }, 600_000);

    afterAll(() => panel?.[Symbol.asyncDispose]());

    test.skipIf(!ready)('still verifies a leaf below the last one', async () => {
      const verdicts = await panel.judge(sample);
      for (const judge of panel.judges) expect([judge, verdicts[judge]]).toMatchObject([judge, { ok: true }]);
    });
  });

  test.skipIf(entries.some(({ needs, ready }) => needs.includes('go') && !ready))('is a document that go-spiffe reads', async () => {
    const document = encodeSpiffeBundle({ trustDomain: parseTrustDomainName(trustDomain), x509Roots: roots, jwtKeys: [], sequence: 100n, refreshHintSeconds: 300 });
    await writeFile(written('hundred.json'), document);
    const { stdout } = await run(await goJudge(env), ['bundle', trustDomain, written('hundred.json')]);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, authorities: 100, sequenceNumber: 100 });
  });
});
