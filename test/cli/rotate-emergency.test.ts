import { describe, expect, test } from 'vitest';
import { captured } from './captured.ts';
import { OutFolder, withTaker } from './rotate-folder.ts';
import { identityFixture, rotatedFixture, rotation, trustDomainFixture } from './rotate-samples.ts';

const spring = 'shop.example-root-96ae2faa';

describe('mtlsd rotate root --emergency', () => {
  test('shows who breaks and does nothing until the name of the trust domain is given', async () => {
    using out = new OutFolder(trustDomainFixture(), identityFixture('cart'));
    const unconfirmed = await captured(['rotate', 'root', '--emergency', '--out', out.path]);
    expect(unconfirmed.stderr).toContain('Emergency rotation of the root of shop.example');
    expect(unconfirmed.error).toContain('confirm it by --confirm shop.example');
    expect((await captured(['rotate', 'root', '--emergency', '--confirm', 'bank.example', '--out', out.path])).error).toContain('"bank.example" is not shop.example: nothing was done');
    expect((await captured(['rotate', 'root', '--emergency', '--out', out.path], { stdin: 'yes\n' })).error).toContain('"yes" is not shop.example');
    expect(out.requests).toEqual([]);
  });

  test.each([['an option', ['--confirm', 'shop.example'], undefined], ['a line that is typed', [], 'shop.example\n']])('goes on with it: %s', async (_, args, stdin) => {
    using out = new OutFolder(trustDomainFixture(), identityFixture('cart'));
    const stop = new AbortController();
    const taking = out.takeRequests(stop.signal);
    const { error, stderr } = await captured(['rotate', 'root', '--emergency', '--distrust-after', '5m', ...args, '--out', out.path], stdin === undefined ? {} : { stdin });
    stop.abort();
    await taking;
    expect(error).toBeUndefined();
    if (stdin !== undefined) expect(stderr).toContain('Type the name of the trust domain (shop.example) to distrust its root:');
    expect(out.specOf(spring)).toMatchObject({ mode: 'Emergency', confirm: 'shop.example', distrustAfter: '5m' });
  });
});

describe('mtlsd rotate root --emergency beside a rotation that is under way', () => {
  const emergency = ['rotate', 'root', '--emergency', '--confirm', 'shop.example'];

  test('says what is given up before it is confirmed, and waits for nobody', async () => {
    using out = new OutFolder(rotatedFixture('Prepared'), rotation());
    const unconfirmed = await captured(['rotate', 'root', '--emergency', '--out', out.path]);
    expect(unconfirmed.stderr).toContain('It can begin.\n\nDistrusted: every root but a new one (96ae2faa, 0fff451c)\nWhat is given up: 1\n  CARotation spring: ends in its phase Confirm: the root that it prepared is dropped\n');
    expect(out.requests).toEqual([]);
    expect((await withTaker(out, ...emergency)).error).toBeUndefined();
    expect(out.specOf(spring)).toMatchObject({ mode: 'Emergency', fromAuthority: '96ae2faa00112233445566778899aabbccddeeff' });
  });

  test('of the root that is being replaced keeps the one that signs', async () => {
    using out = new OutFolder(rotatedFixture('Retiring'), rotation({ phase: 'Drain', switchedAt: '2026-03-01T09:00:30Z' }));
    const { stderr, error } = await withTaker(out, ...emergency, '--stolen', '0FFF');
    expect(error).toBeUndefined();
    expect(stderr).toContain('Emergency rotation of the root of shop.example (0fff451c)');
    expect(stderr).toContain('CARotation spring: ends in its phase Drain: what it replaced goes at the time of distrust, whoever is late');
    expect(stderr).toContain('the new root signs already; the key of the old one goes');
    expect(stderr).not.toContain('Distrusted: every root');
    expect(out.specOf('shop.example-root-0fff451c')).toMatchObject({ mode: 'Emergency', fromAuthority: '0fff451c00112233445566778899aabbccddeeff' });
  });

  test.each([
    ['a root that there is not', 'Retiring', ['--stolen', 'abcd'], /--stolen abcd names no root of shop\.example; there is 96ae2faa\w+ \(active\), 0fff451c\w+ \(retiring\)/u],
    ['a beginning that several have', 'Retiring', ['--stolen', ''], /names several roots/u],
    ['a root that is only prepared', 'Prepared', ['--stolen', '0fff451c'], /only prepared, and nothing was signed below it: give its rotation up/u],
  ] as const)('refuses %s', async (_, state, args, told) => {
    using out = new OutFolder(rotatedFixture(state), rotation());
    const { error } = await captured([...emergency, ...args, '--out', out.path]);
    expect(error).toMatch(told);
    expect(out.requests).toEqual([]);
  });
});
