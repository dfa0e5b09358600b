/** Fail-closed, end to end: an audit log whose spool is full stops every kind of issuing, and each goes on when it drains. */
import { expect, test, vi } from 'vitest';
import type { Audit } from '../../src/app/audit/open.ts';
import { AuditedLease } from '../../src/app/audit/audited-lease.ts';
import { ProcessLease, type ControllerContext } from '../../src/controllers/index.ts';
import { ApiSite } from '../app/api/api-site.ts';
import { requestPem } from '../app/api/requests.ts';
import { AuditSite, ScriptedSink } from '../app/audit/audit-site.ts';
import { startBench } from './bench.ts';
import { PodBench } from './pod-certificate/pod-bench.ts';

/** What an issuer signs by and records to. */
type Ground = Pick<ControllerContext, 'lease' | 'audit'>;

/** One kind of issuing, at rest before anything of it was asked for. */
interface Kind {
  /** Asks for one, or lets what was asked for go on. @returns whether it was issued, or why not */
  ask(): Promise<true | string | undefined>;
  end?(): Promise<void>;
}

const jwt = { issuer: 'https://tokens.a.example' };
const minutes = 10 * 60_000;

async function inSecret(ground: Ground, file: string, before: object | undefined, identity: object): Promise<Kind> {
  const bench = await startBench({ jwt }, ground);
  if (before !== undefined) bench.put('web', before);
  await bench.world.drain();
  return {
    async ask() {
      bench.put('web', identity);
      await bench.pass(minutes);
      const reasons = bench.identity('web').status?.conditions?.filter(({ status }) => status === 'False').map(({ type, reason }) => `${type}: ${reason}`);
      return bench.secret('web-mtls')?.data[file] !== undefined || reasons?.join(', ');
    },
  };
}

async function podCertificate(ground: Ground): Promise<Kind> {
  const bench = await PodBench.start();
  bench.wrapped = (context) => ({ ...context, ...ground });
  bench.world.crash();
  bench.world.start();
  await bench.world.drain();
  bench.identity('web');
  return {
    async ask() {
      if (bench.world.store.peek({ kind: 'Pod', namespace: 'shop', name: 'web' }) === undefined) bench.ask('web');
      await bench.pass(minutes);
      return bench.outcome('web') === 'Issued' || bench.events.at(-1)?.reason;
    },
  };
}

async function byRequest(ground: Ground, url: string, body: () => Promise<object>): Promise<Kind> {
  const site = await ApiSite.start({ jwt: {} }, undefined, ground);
  return {
    async ask() {
      const { status, body: answer } = await site.ask(site.accountToken('shop', 'cart'), await body(), { url });
      return status === 200 || `${status} ${String(answer['code'])}`;
    },
    end: async () => site[Symbol.asyncDispose](),
  };
}

const kinds: readonly (readonly [string, (ground: Ground) => Promise<Kind>, string | undefined])[] = [
  ['a certificate in a Secret', async (ground) => inSecret(ground, 'tls.crt', undefined, {}), 'Issued: AuditUnavailable, Ready: AuditUnavailable'],
  ['a token in a Secret', async (ground) => inSecret(ground, 'bank.jwt', {}, { jwt: { audiences: [{ name: 'bank', audience: 'bank' }] } }), 'Issued: AuditUnavailable, Tokens: Pending'],
  ['a pod certificate', podCertificate, 'AuditUnavailable'],
  ['a certificate by request', async (ground) => byRequest(ground, '/v1/svids/x509', async () => ({ csr: await requestPem() })), '503 AUDIT_UNAVAILABLE'],
  ['a token by request', async (ground) => byRequest(ground, '/v1/svids/jwt', async () => Promise.resolve({ audience: 'bank' })), '503 AUDIT_UNAVAILABLE'],
];

function fill(audit: Audit): void {
  for (let index = 0; ; index += 1) {
    try {
      audit.admit();
    } catch {
      return;
    }
    audit.record({ decision: 'refused', object: `WorkloadIdentity shop/w${index}` });
  }
}

test.each(kinds)('%s is not issued while the audit log cannot take it, says why, and is when it can', async (_name, start, why) => {
  const site = new AuditSite();
  const sink = new ScriptedSink();
  await using audit = site.start('mtlsd-0', { sink, failClosed: true, spoolBytes: 256 * 1024 });
  const kind = await start({ lease: new AuditedLease(new ProcessLease(), audit), audit });
  try {
    sink.isDown = true;
    const before = sink.lines.length;
    fill(audit);
    expect(await kind.ask()).toBe(why);
    sink.isDown = false;
    site.pass(60_000);
    await vi.waitFor(async () => expect(await kind.ask()).toBe(true), { timeout: 15_000 });
    const since = sink.decisions.slice(before);
    expect(since).toEqual(expect.arrayContaining([expect.stringMatching(/^(?:token-)?issued$/u)]));
    expect(since).not.toContain('lost');
  } finally {
    await kind.end?.();
  }
});
