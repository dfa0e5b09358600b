/**
 * The OpenAPI document of the API, held against the running server by somebody else's fuzzer (schemathesis): whatever is sent,
 * no answer is a defect, and every one is as the document says.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiSite } from '../app/api/api-site.ts';
import { until } from '../standalone/wait.ts';
import { pythonPackages } from './judges/python.ts';
import { requirementsMet } from './requirements.ts';

/** Not asked: which of the texts that a schema allows are a signing request or a name that is there, no schema can say. */
const notAsked = 'positive_data_acceptance,unsupported_method';
const examplesEach = 3;

describe.skipIf(!(await requirementsMet('the fuzzer of the API', ['python'], env)))('the API', () => {
  let site: ApiSite;
  let served: Awaited<ReturnType<ApiSite['serve']>>;
  let folder: string;
  let packages: string;
  beforeAll(async () => {
    packages = await pythonPackages('python/schemathesis', env);
    folder = await mkdtemp(join(tmpdir(), 'mtlsd-openapi-'));
    site = await ApiSite.start({ dnsNames: { allowedPatterns: ['localhost'] }, jwt: { issuer: 'https://localhost' } });
    site.mayDo = async () => true;
    served = await site.serve('shop', 'edge');
    site.store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata: { namespace: 'shop', name: 'edge' }, spec: { dnsNames: ['localhost'] } });
    const roots = await until('the API has its certificate', () => site.store.peek({ kind: 'Secret', namespace: 'shop', name: 'edge-mtls' })?.data?.['ca.crt']);
    await writeFile(join(folder, 'roots.pem'), Buffer.from(roots, 'base64'));
  });
  afterAll(async () => {
    await served[Symbol.asyncDispose]();
    await site[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  /** The same requests in each run: `--generation-deterministic`. */
  async function fuzz(document: string): Promise<{ readonly code: number | null; readonly said: string }> {
    await writeFile(join(folder, 'openapi.json'), document);
    const url = new URL(served.address);
    url.hostname = 'localhost';
    const token = site.accountToken('shop', 'cart');
    const options = ['openapi.json', '--url', url.origin, '--tls-verify', 'roots.pem', '-H', `Authorization: Bearer ${token}`, '--phases', 'examples,coverage,fuzzing', '--max-examples', String(examplesEach), '--exclude-checks', notAsked];
    const child = spawn('python3', ['-m', 'schemathesis.cli', 'run', ...options, '--generation-deterministic', '--warnings', 'off', '--no-color'], {
      cwd: folder,
      env: { ...env, PYTHONPATH: packages, PYTHONDONTWRITEBYTECODE: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-8_000)));
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    return { code, said };
  }

  test('answers every request as its OpenAPI document says, and none with a defect', { timeout: 120_000 }, async () => {
    const document = await readFile(join(import.meta.dirname, '..', '..', 'docs', 'reference', 'openapi.json'), 'utf8');
    const operations = Object.values((JSON.parse(document) as { readonly paths: Readonly<Record<string, object>> }).paths).flatMap((path) => Object.keys(path)).length;
    const { code, said } = await fuzz(document);
    expect(code, said).toBe(0);
    expect(said).toContain(`Tested: ${operations}`);
  });
});
