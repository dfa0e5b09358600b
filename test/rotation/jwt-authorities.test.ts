/** A year of keys for JWT-SVIDs: whoever keeps keys for as long as it may verifies every token until it ends. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  activateJwtAuthority,
  activeJwtAuthority,
  distrustJwtAuthorities,
  dropJwtAuthorities,
  noteJwtAuthorities,
  prepareJwtAuthority,
  restartJwtAuthorities,
  withdrawJwtAuthorities,
  withFirstJwtAuthority,
  type AuthorityRecord,
  type JwtAuthorities,
} from '../../src/authority/index.ts';
import { planJwtAuthorities, tokenLifeMaxMs, type JwtKeySettings, type JwtPlan } from '../../src/rotation/index.ts';
import { hourMs, makeRecord, startMs, tools } from '../authority/record-bench.ts';

const dayMs = 24 * hourMs;
const minuteMs = 60_000;
const usual: JwtKeySettings = { algorithm: 'ES256', keyLifetimeMs: 168 * hourMs, publishMs: 31 * minuteMs };
/** How long readers keep keys: what `publishMs` leaves them. */
const keptMs = 30 * minuteMs;

/** One who asks for keys as seldom as it may. */
class Reader {
  #fetchAtMs: number;
  /** Undefined: it has none yet, and fetches them with its first token. */
  #keys: ReadonlySet<string> | undefined;

  constructor(fetchAtMs: number) {
    this.#fetchAtMs = fetchAtMs;
  }

  look(shown: JwtAuthorities | undefined, nowMs: number): void {
    if (nowMs < this.#fetchAtMs) return;
    this.#fetchAtMs = nowMs + keptMs;
    this.#keys = new Set(shown?.keys.map(({ keyIdentifier }) => keyIdentifier));
  }

  knows(key: string): boolean {
    return this.#keys?.has(key) !== false;
  }
}

/** A trust domain whose record is planned on, whose state is shown after a while, and whose tokens are all watched. */
class Site {
  record: AuthorityRecord;
  shown: JwtAuthorities | undefined;
  settings: JwtKeySettings | undefined = usual;
  seenSequence = 0;
  readonly steps: string[] = [];
  readonly sequences: number[] = [];
  readonly #tokens: { readonly key: string; readonly endMs: number }[] = [];
  readonly #readers = [0, 7, 13, 29].map((minutes) => new Reader(startMs + minutes * minuteMs));

  constructor(record: AuthorityRecord) {
    this.record = record;
  }

  plan(nowMs: number): JwtPlan {
    return planJwtAuthorities({ jwt: this.record.jwt, shown: this.shown, seenSequence: this.seenSequence }, this.settings, nowMs);
  }

  async settle(nowMs: number): Promise<void> {
    for (let step = 0; ; step += 1) {
      if (step === 8) throw new Error('the plan does not settle');
      const plan = this.plan(nowMs);
      if (plan.action === 'none') {
        if (plan.nextAtMs !== undefined && plan.nextAtMs <= nowMs) throw new Error('the plan asks for a look in the past');
        return;
      }
      this.steps.push(plan.action);
      this.record = await this.#after(plan, nowMs);
      this.sequences.push(this.record.jwt?.sequence ?? 0);
    }
  }

  async #after(plan: Exclude<JwtPlan, { action: 'none' }>, nowMs: number): Promise<AuthorityRecord> {
    switch (plan.action) {
      case 'prepare':
        return prepareJwtAuthority(this.record, this.settings?.algorithm ?? 'ES256', tools);
      case 'note':
        return noteJwtAuthorities(this.record, this.shown, nowMs);
      case 'activate':
        return activateJwtAuthority(this.record, nowMs);
      case 'withdraw':
        return withdrawJwtAuthorities(this.record);
      case 'distrust':
        return distrustJwtAuthorities(this.record, plan.keyIdentifiers);
      case 'restart':
        return restartJwtAuthorities(this.record, this.seenSequence);
      case 'drop':
        return dropJwtAuthorities(this.record, plan.keyIdentifiers);
    }
  }

  show(): void {
    this.shown = this.record.jwt;
    this.seenSequence = Math.max(this.seenSequence, this.shown?.sequence ?? 0);
  }

  /** Signs with what signers have. The tokens that live and that a reader cannot verify, as text. */
  unverified(nowMs: number): readonly string[] {
    for (const reader of this.#readers) reader.look(this.shown, nowMs);
    const signer = activeJwtAuthority(this.shown);
    if (signer !== undefined) this.#tokens.push({ key: signer.keyIdentifier, endMs: nowMs + tokenLifeMaxMs });
    while ((this.#tokens[0]?.endMs ?? Infinity) + minuteMs < nowMs) this.#tokens.shift();
    return this.#tokens.filter(({ key }) => !this.#readers.every((reader) => reader.knows(key))).map(({ key }) => `${key} at ${new Date(nowMs).toISOString()}`);
  }

  /** After a restore: nobody can verify what was signed by keys that it does not have. */
  forgetTokens(): void {
    this.#tokens.length = 0;
  }
}

test('a year of weekly keys: no token is ever met by a reader without its key, and every key makes room', async () => {
  const site = new Site(await withFirstJwtAuthority(await makeRecord(), 'ES256', startMs, tools));
  site.show();
  const seen = new Set<string>();
  const unverified: string[] = [];
  let keysMost = 0;
  for (let nowMs = startMs; nowMs < startMs + 365 * dayMs; nowMs += 15 * minuteMs) {
    await site.settle(nowMs);
    site.show();
    unverified.push(...site.unverified(nowMs));
    keysMost = Math.max(keysMost, site.record.jwt?.keys.length ?? 0);
    for (const { keyIdentifier } of site.record.jwt?.keys ?? []) seen.add(keyIdentifier);
  }
  expect(unverified).toEqual([]);
  expect(keysMost).toBe(2);
  expect(seen.size).toBeGreaterThanOrEqual(52);
  expect(site.sequences).toEqual(site.sequences.toSorted((a, b) => a - b));
});

test('whatever is late, stops or changes: nothing signs that a reader may lack', async () => {
  const first = await makeRecord();
  const events = fc.array(fc.tuple(fc.constantFrom('show', 'stall', 'crash', 'off', 'on', 'RS256', 'ES256', 'short', 'restore'), fc.integer({ min: 1, max: 400 })), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(events, async (story) => {
      const site = new Site(first);
      let kept = site.record;
      let shows = true;
      let nowMs = startMs;
      for (const [event, minutes] of story) {
        if (event === 'show' || event === 'stall') shows = event === 'show';
        // A process that begins anew shows what the record says, or nothing yet.
        if (event === 'crash') site.shown = undefined;
        if (event === 'off') site.settings = undefined;
        if (event === 'on') site.settings = usual;
        if (event === 'ES256') site.settings = { ...usual, algorithm: event };
        if (event === 'short') site.settings = { ...usual, keyLifetimeMs: hourMs };
        if (event === 'restore') {
          site.record = kept;
          site.shown = undefined;
          site.forgetTokens();
        }
        if (event === 'RS256') kept = site.record;
        for (const endMs = nowMs + minutes * minuteMs; nowMs < endMs; nowMs += 10 * minuteMs) {
          await site.settle(nowMs);
          if (shows || site.shown === undefined) site.show();
          const active = activeJwtAuthority(site.record.jwt);
          if (active !== undefined) expect(nowMs - (active.publishedAtMs ?? Infinity)).toBeGreaterThanOrEqual(usual.publishMs);
          expect(site.unverified(nowMs)).toEqual([]);
        }
      }
    }),
    { numRuns: 60 },
  );
});

test('a key signs only once it is known to be shown, however long that takes', async () => {
  const site = new Site(await makeRecord());
  await site.settle(startMs);
  expect(site.steps).toEqual(['prepare']);
  for (let hours = 1; hours < 24; hours += 1) await site.settle(startMs + hours * hourMs);
  expect(site.steps).toEqual(['prepare']);
  const shownAtMs = startMs + dayMs;
  site.show();
  await site.settle(shownAtMs);
  expect(site.steps).toEqual(['prepare', 'note']);
  expect(site.plan(shownAtMs)).toEqual({ action: 'none', nextAtMs: shownAtMs + usual.publishMs });
  await site.settle(shownAtMs + usual.publishMs);
  expect(site.steps).toEqual(['prepare', 'note', 'activate']);
});

test('a key stays published for an hour and two minutes after everybody is known to sign with the next one', async () => {
  const site = new Site(await withFirstJwtAuthority(await makeRecord(), 'ES256', startMs, tools));
  site.show();
  const [old] = site.record.jwt?.keys ?? [];
  site.settings = { ...usual, algorithm: 'RS256' };
  await site.settle(startMs);
  site.show();
  await site.settle(startMs);
  const switchedAtMs = startMs + usual.publishMs;
  await site.settle(switchedAtMs);
  expect(site.record.jwt?.keys.map(({ algorithm, state, privateKeyPem }) => [algorithm, state, privateKeyPem !== undefined])).toEqual([['ES256', 'Retiring', false], ['RS256', 'Active', true]]);
  // A signer that still has the old one: its time does not run.
  await site.settle(switchedAtMs + dayMs);
  expect(site.record.jwt?.keys).toHaveLength(2);
  site.show();
  await site.settle(switchedAtMs + dayMs);
  await site.settle(switchedAtMs + dayMs + tokenLifeMaxMs + 2 * minuteMs);
  expect(site.record.jwt?.keys.map(({ keyIdentifier }) => keyIdentifier)).toContain(old?.keyIdentifier);
  await site.settle(switchedAtMs + dayMs + tokenLifeMaxMs + 2 * minuteMs + 1);
  expect(site.record.jwt?.keys.map(({ state }) => state)).toEqual(['Active']);
});

test('an older record signs nothing, and its keys verify what they signed; the sequence goes on', async () => {
  const site = new Site(await withFirstJwtAuthority(await makeRecord(), 'ES256', startMs, tools));
  site.show();
  site.seenSequence = 9;
  await site.settle(startMs);
  expect(site.steps).toEqual(['restart', 'prepare']);
  expect(site.record.jwt?.sequence).toBe(11);
  expect(site.record.jwt?.keys.map(({ state }) => state)).toEqual(['Retiring', 'Prepared']);
});

test('a clock that was ahead holds nothing up for long, and lets nothing sign early', async () => {
  const site = new Site(await makeRecord());
  await site.settle(startMs + 365 * dayMs);
  site.show();
  await site.settle(startMs + 365 * dayMs);
  // Set right: the key counts as published from now on.
  await site.settle(startMs);
  expect(site.plan(startMs)).toEqual({ action: 'none', nextAtMs: startMs + usual.publishMs });
  await site.settle(startMs + usual.publishMs);
  expect(activeJwtAuthority(site.record.jwt)).toBeDefined();
});

test('without tokens nothing signs, and nothing is left of the keys but the sequence', async () => {
  const site = new Site(await withFirstJwtAuthority(await makeRecord(), 'ES256', startMs, tools));
  site.show();
  site.settings = undefined;
  await site.settle(startMs);
  site.show();
  await site.settle(startMs);
  await site.settle(startMs + 2 * hourMs);
  expect(site.record.jwt).toEqual({ sequence: 2, keys: [] });
});
