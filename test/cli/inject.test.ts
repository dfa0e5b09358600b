import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, test } from 'vitest';
import type { CliIo } from '../../src/cli/io.ts';
import { program } from '../../src/cli/program.ts';

const folder = mkdtempSync(join(tmpdir(), 'mtlsd-inject-'));
afterAll(() => rmSync(folder, { recursive: true }));

const pod = (label: string): string => `apiVersion: v1\nkind: Pod\nmetadata: {name: cart, namespace: shop, labels: {mtlsd.io/inject: ${label}}}\nspec: {containers: [{name: main, image: x}]}\n`;

async function inject(stdin: string | Buffer, ...args: readonly string[]): Promise<{ readonly stdout: string; readonly stderr: string; readonly code: number }> {
  let [stdout, stderr, code] = ['', '', 0];
  const io: CliIo = {
    stdin: Readable.from([stdin]),
    stdout: (text) => void (stdout += text),
    stderr: (text) => void (stderr += text),
    isTerminal: false,
    nowMs: () => 0,
    setExitCode: (status) => void (code = status),
  };
  await program(io, () => Promise.resolve()).parseAsync(['inject', ...args], { from: 'user' });
  return { stdout, stderr, code };
}

describe('mtlsd inject', () => {
  test('reads standard input, prints the manifest, and says on the other stream what it changed', async () => {
    const { stdout, stderr, code } = await inject(pod('secret'), '-f', '-');
    expect(stdout).toContain('secretName: default-mtls');
    expect({ stderr, code }).toEqual({ stderr: 'injected: Pod shop/cart\n', code: 0 });
  });

  test('reads a file, and takes the defaults of an installation', async () => {
    const file = join(folder, 'cart.yaml');
    writeFileSync(file, pod('"true"'));
    const { stdout } = await inject('', '--filename', file, '--default-delivery', 'pod-certificate', '--default-trust-domain', 'shop.example');
    expect(stdout).toContain('mtlsd.io/trust-domain: shop.example');
    expect(stdout).toContain('signerName: mtlsd.io/x509-svid');
  });

  test('prints nothing when something is wrong, so that nothing is applied', async () => {
    const { stdout, stderr, code } = await inject(pod('nonsense'), '-f', '-');
    expect({ stdout, code }).toEqual({ stdout: '', code: 1 });
    expect(stderr).toBe('mtlsd: Pod shop/cart: the label mtlsd.io/inject is "nonsense": write secret, pod-certificate, "true" (what this installation prefers) or "false"\n');
  });

  test.each([
    ['a file that is not there', ['-f', join(folder, 'none.yaml')], '', 'does not exist: check the path'],
    ['a folder', ['-f', folder], '', `is a folder: name a file in it, such as ${folder}/deployment.yaml`],
    ['nothing', ['-f', '-'], '', 'Standard input is empty: give manifests.'],
    ['bytes that are no text', ['-f', '-'], Buffer.from([0xff, 0xfe, 0x00]), 'Standard input is not UTF-8 text: give manifests.'],
  ])('%s is told', async (_what, args, stdin, sentence) => {
    await expect(inject(stdin, ...args)).rejects.toThrow(sentence);
  });

  test('manifests of more than a megabyte are read', async () => {
    const large = `${pod('secret')}---\napiVersion: v1\nkind: ConfigMap\ndata: {a: "${'x'.repeat(2 * 1024 * 1024)}"}\n`;
    expect((await inject(large, '-f', '-')).stdout.length).toBeGreaterThan(2 * 1024 * 1024);
  });
});
