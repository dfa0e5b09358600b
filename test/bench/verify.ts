import { execFile } from 'node:child_process';
import { createPublicKey, randomBytes, verify as bareVerify } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseTrustDomainName, requireSpiffeId, validateX509Svid } from '../../src/spiffe/index.ts';
import {
  buildIssuingCertificate,
  buildRootCertificate,
  generateKeyPair,
  type KeyAlgorithm,
  type KeyPair,
  LeafTemplate,
  parseCertificate,
  signData,
  verifySignature,
} from '../../src/x509/index.ts';
import { type Measurement, median, ratePerSecond } from './measurement.ts';

const execute = promisify(execFile);

/** One algorithm throughout a chain. RSA takes its time to make, none to verify. */
const algorithms: readonly KeyAlgorithm[] = ['ECDSAP256', 'ECDSAP384', 'ED25519', 'RSA2048'];
const isDefault = (algorithm: KeyAlgorithm): boolean => algorithm === 'ECDSAP256';

const roundsOf = (algorithm: KeyAlgorithm): number => (isDefault(algorithm) ? 5 : 2);
const cpuMs = 300;
const nowMs = Date.UTC(2030, 0, 1);
const hourMs = 3_600_000;
const trustDomain = parseTrustDomainName('bench.example');

/** More issuing authorities than any cache of ours holds: whoever comes round again has been forgotten. */
const strangers = 1_200;

/** DER of a leaf and of the authority that issued it. */
type Presented = readonly [leaf: Uint8Array, issuing: Uint8Array];

interface Chains {
  readonly root: Uint8Array;
  readonly usual: Presented;
  /** Each below an issuing authority of its own. */
  readonly strange: readonly Presented[];
}

async function makeChains(algorithm: KeyAlgorithm): Promise<Chains> {
  const [rootKey, issuingKey, leafKey] = [await generateKeyPair(algorithm), await generateKeyPair(algorithm), await generateKeyPair(algorithm)];
  const common = { trustDomain, notBeforeMs: nowMs - hourMs };
  const rootInput = { ...common, commonName: 'bench root', serialNumber: randomBytes(16), notAfterMs: nowMs + 1000 * hourMs, publicKey: rootKey.publicKey, keyPair: rootKey };
  rootInput.serialNumber[0] = 0x11;
  const root = await buildRootCertificate(rootInput);
  const chain = async (key: KeyPair): Promise<Presented> => {
    const serialNumber = randomBytes(16);
    serialNumber[0] = 0x22;
    const issuing = await buildIssuingCertificate({ ...common, commonName: 'bench issuing', serialNumber, notAfterMs: nowMs + 100 * hourMs, publicKey: key.publicKey, issuer: root, issuerKey: rootKey });
    const template = LeafTemplate.compile(issuing, algorithm);
    const spiffeId = requireSpiffeId('spiffe://bench.example/ns/shop/sa/cart');
    const tbs = template.toBeSigned({ serialNumber, notBeforeMs: nowMs - 60_000, notAfterMs: nowMs + hourMs, publicKey: leafKey.publicKey, spiffeId, dnsNames: [], commonName: undefined });
    return [template.assemble(tbs, signData(key.privateKey, algorithm, tbs)), issuing.der];
  };
  // Keys of RSA take a second each: its strangers share one, and differ in their serial numbers.
  const keyOf = async (): Promise<KeyPair> => (algorithm.startsWith('RSA') ? issuingKey : generateKeyPair(algorithm));
  const strange: Presented[] = [];
  if (isDefault(algorithm)) for (let count = 0; count < strangers; count += 1) strange.push(await chain(await keyOf()));
  return { root: root.der, usual: await chain(issuingKey), strange };
}

/** Parses what is presented, as for a new connection, and validates it under a bundle that is kept. */
function validation(root: Uint8Array): (presented: Presented) => void {
  const bundle = { trustDomain, roots: [parseCertificate(root)] };
  return (presented) => {
    const result = validateX509Svid(presented.map(parseCertificate), bundle, { nowMs, verifySignature });
    if (!result.valid) throw new Error(result.reasons.map(({ sentence }) => sentence).join(' '));
  };
}

/** The two signatures of a chain and nothing else, by keys that are imported already. */
function bareSignatures(algorithm: KeyAlgorithm, { privateKey, publicKey }: KeyPair): () => void {
  const tbs = randomBytes(500);
  const signature = signData(privateKey, algorithm, tbs);
  const key = createPublicKey({ key: Buffer.from(publicKey.spki), format: 'der', type: 'spki' });
  const hash = { ECDSAP256: 'sha256', ECDSAP384: 'sha384', ECDSAP521: 'sha512', ED25519: null, RSA2048: 'sha256', RSA3072: 'sha256', RSA4096: 'sha256' }[algorithm];
  return () => {
    for (let count = 0; count < 2; count += 1) if (!bareVerify(hash, tbs, key, signature)) throw new Error('a signature does not verify');
  };
}

/** Builds the Go program into the cache and returns its path. */
async function buildGo(): Promise<string> {
  const { MTLSD_CACHE_DIR, XDG_CACHE_HOME } = process.env;
  const folder = join(MTLSD_CACHE_DIR || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'mtlsd'), 'bench');
  await mkdir(folder, { recursive: true });
  const program = join(folder, 'verify');
  await execute('go', ['build', '-mod=readonly', '-o', program, '.'], { cwd: join(import.meta.dirname, 'go-verify') });
  return program;
}

type Rates = Readonly<Record<string, number[]>>;

function* figures(algorithm: KeyAlgorithm, rates: Rates): Iterable<Measurement> {
  const measurement = (metric: string, value: number, unit: string): Measurement => ({ bench: 'verify', metric: `${algorithm}: ${metric}`, value, unit });
  const rate = (subject: string): number => median(rates[subject] ?? []);
  for (const [subject, values] of Object.entries(rates)) if (values.length > 0) yield measurement(subject, median(values), '/s');
  const ratio = measurement('known issuer ÷ go-spiffe', rate('known issuer') / rate('go-spiffe'), '×');
  yield isDefault(algorithm) ? { ...ratio, budget: { relation: '>=', value: 1 } } : ratio;
  if (isDefault(algorithm)) yield measurement('unknown issuer ÷ go-spiffe', rate('unknown issuer') / rate('go-spiffe'), '×');
}

/**
 * Validations of an X.509-SVID (leaf and issuing authority, parsed from DER each time) a second of CPU time on one core, beside
 * Go's `Certificate.Verify` and go-spiffe's `x509svid.Verify` over the same files in the same run. The bundle is kept by all.
 */
export async function* verify(): AsyncIterable<Measurement> {
  const program = await buildGo();
  const folder = await mkdtemp(join(tmpdir(), 'mtlsd-bench-'));
  try {
    for (const algorithm of algorithms) {
      const { root, usual, strange } = await makeChains(algorithm);
      const files = await Promise.all([root, ...usual].map(async (der, index) => {
        const file = join(folder, `${algorithm}-${index}.der`);
        await writeFile(file, der);
        return file;
      }));
      const validate = validation(root);
      const bare = bareSignatures(algorithm, await generateKeyPair(algorithm));
      let turn = 0;
      const rates = { 'known issuer': [], 'unknown issuer': [], 'two bare signatures': [], 'go-spiffe': [], 'Go Certificate.Verify': [] } satisfies Record<string, number[]> as Record<string, number[]>;
      const note = (subject: string, value: number): void => void rates[subject]?.push(value);
      for (let round = 0; round < roundsOf(algorithm); round += 1) {
        note('known issuer', await ratePerSecond(() => validate(usual), cpuMs));
        if (strange.length > 0) note('unknown issuer', await ratePerSecond(() => validate(strange[(turn += 1) % strange.length] ?? usual), cpuMs));
        note('two bare signatures', await ratePerSecond(bare, cpuMs));
        const { stdout } = await execute(program, [String(cpuMs), ...files]);
        const go = JSON.parse(stdout) as { standard: number; spiffe: number };
        note('go-spiffe', go.spiffe);
        note('Go Certificate.Verify', go.standard);
      }
      yield* figures(algorithm, rates);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}
