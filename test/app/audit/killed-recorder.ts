import { spawn } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { FileAnchor } from '../../../src/app/audit/anchor.ts';
import { checkpointKeyId, verifyAudit, type AuditVerdict } from '../../../src/audit/index.ts';

/** What became of decisions that killed processes recorded. */
export interface Story {
  /** How many were recorded before a process said so. */
  readonly recorded: number;
  /** Those of them that the collector has not. */
  readonly missing: readonly number[];
  readonly verdict: AuditVerdict;
  /** How often the collector took lines, and how often it let the process down. */
  readonly answers: Readonly<Record<Mood, number>>;
}

/** What a collector does with a request: take it, take it and say that it failed, take it and hang up, or not take it. */
type Mood = 'takes' | 'lies' | 'hangs up' | 'refuses';
const moods: readonly Mood[] = ['takes', 'lies', 'hangs up', 'refuses'];

const program = join(import.meta.dirname, 'recording-process.ts');

/** Numbers below 1 that a seed decides. */
function* randoms(seed: string): Generator<number, never> {
  for (let index = 0; ; index += 1) yield createHash('sha256').update(`${seed}/${index}`).digest().readUInt32BE() / 2 ** 32;
}

/** Processes one after the other record decisions for a collector that comes and goes, and are killed by SIGKILL; the last one ends in order. */
export async function killedRecorders(kills: number, seed: string): Promise<Story> {
  const folder = mkdtempSync(join(tmpdir(), 'mtlsd-audit-kill-'));
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(join(folder, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const random = randoms(seed);
  const collector = new Collector(() => random.next().value);
  try {
    const url = await collector.listen();
    const recorded: number[] = [];
    for (let round = 0; round <= kills; round += 1) {
      const isLast = round === kills;
      if (isLast) collector.isGood = true;
      const child = spawn(process.execPath, [program, url, folder, String(recorded.length + round)], { stdio: ['pipe', 'pipe', 'inherit'] });
      const ended = once(child, 'close');
      const said = createInterface({ input: child.stdout });
      said.on('line', (text) => recorded.push(Number(text)));
      await once(said, 'line');
      await sleep(random.next().value * 300);
      if (isLast) child.stdin.end('end\n');
      else child.kill('SIGKILL');
      await ended;
    }
    const { heads } = await new FileAnchor(join(folder, 'audit-heads.json')).read();
    const keys = new Map([[checkpointKeyId(publicKey), publicKey.export({ type: 'spki', format: 'pem' })]]);
    const text = collector.bodies.join('');
    const arrived = new Set([...text.matchAll(/"object":"WorkloadIdentity shop\/w(\d+)"/gu)].map(([, index]) => Number(index)));
    return { recorded: recorded.length, missing: recorded.filter((index) => !arrived.has(index)), verdict: verifyAudit([{ name: 'collected', text }], { anchor: heads, keys, recent: false }), answers: collector.answers };
  } finally {
    collector.close();
    rmSync(folder, { recursive: true });
  }
}

class Collector {
  readonly bodies: string[] = [];
  readonly answers: Record<Mood, number> = { takes: 0, lies: 0, 'hangs up': 0, refuses: 0 };
  isGood = false;
  readonly #random: () => number;
  #mood: Mood = 'takes';
  #left = 0;
  readonly #server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const mood = this.#next();
      this.answers[mood] += 1;
      if (mood !== 'refuses') this.bodies.push(Buffer.concat(parts).toString('utf8'));
      if (mood === 'hangs up') response.destroy();
      else response.writeHead(mood === 'takes' ? 204 : 503).end();
    });
  });

  constructor(random: () => number) {
    this.#random = random;
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** It stays in a mood for a few requests. */
  #next(): Mood {
    if (this.isGood) return 'takes';
    if (this.#left === 0) {
      this.#mood = moods[Math.floor(this.#random() * moods.length)] ?? 'takes';
      this.#left = 1 + Math.floor(this.#random() * 6);
    }
    this.#left -= 1;
    return this.#mood;
  }
}
