import { readdirSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { authorityRules, type CertificateView, leafRules, lint, type Rule } from '../../src/spiffe/index.ts';
import { issuingView, leafView, rootView } from './certificate-builder.ts';
import { arbitraryView } from './arbitrary-view.ts';
import { type Fixture, ruleFixtures } from './rule-fixtures.ts';

const rules = [...new Set([...leafRules, ...authorityRules])];
const build = ({ role, overrides }: Fixture): CertificateView => (role === 'leaf' ? leafView(overrides) : issuingView(overrides));
const broken = (fixture: Fixture): string[] => lint(build(fixture), fixture.role).map((finding) => finding.rule);

describe('the list of rules', () => {
  test('every id is there once', () => {
    expect(new Set(rules.map((rule) => rule.id)).size).toBe(rules.length);
  });

  test('SPIFFE-1 to SPIFFE-15 are all covered', () => {
    const numbers = new Set(rules.map((rule) => /^SPIFFE-(\d+)/u.exec(rule.id)?.[1]));
    for (let number = 1; number <= 15; number += 1) expect(numbers).toContain(String(number));
  });

  test('every rule that a file exports is in the list', async () => {
    const folder = new URL('../../src/spiffe/rules/', import.meta.url);
    const files = readdirSync(folder).filter((file) => !['index.ts', 'rule.ts'].includes(file));
    for (const file of files) {
      const exported = Object.values((await import(new URL(file, folder).href)) as Record<string, Rule | readonly Rule[]>).flat();
      expect({ file, count: exported.length }).not.toEqual({ file, count: 0 });
      for (const rule of exported) expect(rules).toContain(rule);
    }
  });

  test('every rule has fixtures, and every fixture a rule', () => {
    expect(Object.keys(ruleFixtures).sort()).toEqual(rules.map((rule) => rule.id).sort());
    const bare = Object.entries(ruleFixtures).filter(([, { good, bad }]) => good.length === 0 || bad.length === 0);
    expect(bare).toEqual([]);
  });

  test('descriptions and remedies are sentences, with a citation each', () => {
    for (const rule of rules) {
      expect(rule.description).toMatch(/^[\p{Lu}k].*\.$/u);
      expect(rule.remedy).toMatch(/^\p{Lu}.*\.$/u);
      expect(rule.citation).toMatch(/§/u);
    }
  });
});

describe('sound certificates', () => {
  test('a leaf keeps every rule', () => expect(lint(leafView(), 'leaf')).toEqual([]));
  test('an issuing authority keeps every rule', () => expect(lint(issuingView(), 'authority')).toEqual([]));
  test('a root keeps every rule', () => expect(lint(rootView(), 'authority')).toEqual([]));
});

describe.each(Object.entries(ruleFixtures))('%s', (id, { good, bad }) => {
  test.each(good.map((fixture) => [fixture.name, fixture] as const))('holds: %s', (_, fixture) => {
    expect(broken(fixture)).toEqual([]);
  });

  test.each(bad.map((fixture) => [fixture.name, fixture] as const))('is broken by: %s', (_, fixture) => {
    expect(broken(fixture).sort()).toEqual([id, ...(fixture.also ?? [])].sort());
  });
});

test('lint never throws, whatever a certificate holds', () => {
  fc.assert(
    fc.property(arbitraryView, fc.constantFrom('leaf' as const, 'authority' as const), (view, role) => {
      for (const finding of lint(view, role)) expect(finding.message).not.toBe('');
    }),
    { numRuns: 500 },
  );
});
