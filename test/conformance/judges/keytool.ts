import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Panel, Sample, Verdict } from './judge.ts';

const run = promisify(execFile);
const name = 'keytool';
const password = 'changeit';

/**
 * keytool as an administrator uses it: the key goes into a key store, the root is trusted, and the chain is installed as
 * the reply of the authority, which keytool accepts only when it leads to what is trusted and fits the key.
 */
export function keytoolPanel(): Panel {
  return {
    judges: [name],
    slow: true,
    judge: async (sample) => ({ [name]: await judge(sample) }),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

async function judge({ chain, key, roots }: Sample): Promise<Verdict> {
  if (key === undefined) throw new TypeError('keytool fits a chain to its key');
  const folder = await mkdtemp(join(tmpdir(), 'mtlsd-keytool-'));
  const store = join(folder, 'own.p12');
  const keytool = (...args: readonly string[]) =>
    run('keytool', ['-J-XX:TieredStopAtLevel=1', '-importcert', '-noprompt', '-keystore', store, '-storepass', password, ...args]);
  try {
    await run('openssl', ['pkcs12', '-export', '-in', chain, '-inkey', key, '-name', 'own', '-passout', `pass:${password}`, '-out', store]);
    await keytool('-alias', 'root', '-file', roots);
    await keytool('-alias', 'own', '-file', chain);
    return { ok: true };
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    return { ok: false, reason: `${stdout ?? ''}${stderr ?? ''}`.trim().split('\n')[0] ?? '' };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
