import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Panel, Sample, Verdict } from './judge.ts';

const run = promisify(execFile);
const name = 'OpenSSL';

/** The command line of OpenSSL, as strict as it gets, once for each purpose. It knows nothing of SPIFFE. */
export function openSslPanel(): Panel {
  return {
    judges: [name],
    judge: async (sample) => ({ [name]: await judge(sample) }),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

async function judge(sample: Sample): Promise<Verdict> {
  for (const purpose of ['sslserver', 'sslclient']) {
    const verdict = await verify(sample, purpose);
    if (!verdict.ok) return verdict;
  }
  return { ok: true };
}

async function verify({ chain, roots, atSeconds }: Sample, purpose: string): Promise<Verdict> {
  const time = atSeconds === undefined ? [] : ['-attime', String(atSeconds)];
  // The machine's own trust store is shut out: only the roots of the trust domain count.
  const trust = ['-no-CApath', '-no-CAstore', '-CAfile', roots, '-untrusted', chain];
  const args = ['verify', '-x509_strict', '-check_ss_sig', '-purpose', purpose, ...time, ...trust, chain];
  try {
    await run('openssl', args);
    return { ok: true };
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    const reasons = [...(stderr ?? '').matchAll(/^error \d+ at \d+ depth lookup: (.*)$/gm)].map((match) => match[1]);
    return { ok: false, reason: reasons[0] ?? (stderr ?? String(error)).trim().split('\n')[0] ?? '' };
  }
}
