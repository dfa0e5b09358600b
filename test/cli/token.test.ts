/** `mtlsd token verify`: a token judged by a configuration, keys from a file, no network. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { tokenCommand } from '../../src/cli/token.ts';
import { claims, issuer, nowMs, signingKey, token } from '../tokens/tokens.ts';
import { runCli, type Outcome } from './verify-fixtures.ts';

const folder = mkdtempSync(join(tmpdir(), 'mtlsd-token-'));
afterAll(() => rmSync(folder, { recursive: true }));

const key = signingKey('ES256', 'one');
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const keys = file('keys.json', JSON.stringify({ keys: [key.jwk] }));
const configuration = (rules: string, issuers = `[{issuer: "${issuer}", keySetFile: "${keys}"}]`): string =>
  file('gateway.yaml', `apiVersion: mtlsd.io/v1alpha1\nkind: GatewayConfiguration\nissuers: ${issuers}\nrules: ${rules}\n`);
const api = `[{name: api, issuer: "${issuer}", audiences: [api]}]`;

function verify(text: string, config: string, ...args: readonly string[]): Promise<Outcome> {
  return runCli(tokenCommand, ['verify', '-', '--config', config, ...args], { nowMs, stdin: text });
}

test('a token that is right: who, which scopes, until when', async () => {
  expect(await verify(`${token(key)}\n`, configuration(api))).toEqual({
    exitCode: 0,
    stdout: 'accepted  service-7 of https://issuer.example\n  scopes read, write\n  until 2026-11-25T12:05:00Z (5m 00s)\n',
    stderr: '',
  });
});

test('a token that is wrong: why, and nothing of what it says', async () => {
  const outcome = await verify(token(key, { ...claims, aud: 'someone-else' }), configuration(api));
  expect(outcome).toEqual({ exitCode: 1, stdout: 'refused  audience-wrong: it was made for somebody else: its aud claim holds none of api\n', stderr: '' });
});

test('as JSON', async () => {
  const accepted = await verify(token(key), configuration(api), '--output', 'json');
  expect(JSON.parse(accepted.stdout)).toEqual({ accepted: true, issuer, subject: 'service-7', scopes: ['read', 'write'], expiresAt: '2026-11-25T12:05:00.000Z', claims });
  const refused = await verify('nonsense', configuration(api), '--output', 'json');
  expect(JSON.parse(refused.stdout)).toEqual({ accepted: false, reason: 'malformed', message: expect.any(String) as string });
});

test('an issuer that cannot be reached is another thing than a token that is wrong', async () => {
  const unreachable = configuration(api, `[{issuer: "${issuer}", keySet: "https://127.0.0.1:1/keys"}]`);
  const outcome = await verify(token(key), unreachable);
  expect(outcome).toMatchObject({ exitCode: 3, stdout: expect.stringMatching(/^refused {2}keys-unavailable: .*no public address/u) as string });
});

test('text of the token cannot move the cursor', async () => {
  const outcome = await verify(token(key, { ...claims, sub: 'a\u001B[2Jb' }), configuration(api));
  expect(outcome.stdout).toContain(String.raw`a\u{1b}[2Jb`);
});

describe('a configuration that cannot be used is refused with everything that is wrong', () => {
  const two = `[{name: a, issuer: "${issuer}", audiences: [api]}, {name: b, issuer: "${issuer}", audiences: [web]}]`;
  test.each<[string, string, readonly string[], RegExp]>([
    ['no YAML', 'a: [', [], /cannot be used/u],
    ['another document', 'kind: Pod', [], /issuers: Required value/u],
    ['a field that is unknown', configurationText({ more: 'audience: api' }), [], /did you mean "rules\[0\].audiences"/u],
    ['a symmetric algorithm', configurationText({ more: 'algorithms: [HS256]' }), [], /algorithms\[0\]: Unsupported value: "HS256"/u],
    ['no algorithm', configurationText({ more: 'algorithms: []' }), [], /an empty list accepts no token/u],
    ['rules for an issuer that is not there', configurationText({ issuer: 'https://other.example' }), [], /rules\[0\].issuer: https:\/\/other.example is not among issuers/u],
    ['a clock tolerance of an hour', configurationText({ more: 'clockTolerance: 1h' }), [], /5m is the limit/u],
    ['a life that is no duration', configurationText({ more: 'maxLifetime: soon' }), [], /maxLifetime: Duration "soon" is refused/u],
    ['keys over plain HTTP', configurationText({ keys: 'keySet: "http://issuer.example/keys"' }), [], /write https:\/\/… \(http:\/\/ only with privateAddresses/u],
    ['keys with a password', configurationText({ keys: 'keySet: "https://a:b@issuer.example/keys"' }), [], /user name or password/u],
    ['two places of keys', configurationText({ keys: 'keySet: "https://issuer.example/keys", keySetFile: x' }), [], /keep one of them/u],
    ['a key set that is not there', configurationText({ keys: 'keySetFile: /nowhere/keys.json' }), [], /\/nowhere\/keys.json cannot be read \(ENOENT\)/u],
    ['a gateway that is no SPIFFE ID', `${configurationText({})}gateways: [{spiffeId: "https://x", rules: [a]}]\n`, [], /gateways\[0\].spiffeId/u],
    ['a gateway with rules that are not there', `${configurationText({})}gateways: [{spiffeId: "spiffe://shop.example/web", rules: [b]}]\n`, [], /no rules of the name b/u],
    ['rules that are not named', configurationText({}).replace(/rules: .*/u, `rules: ${two}`), [], /Name the rules to judge by with --rules: the configuration has a, b/u],
    ['rules that are not there', configurationText({}), ['--rules', 'z'], /--rules z is not in the configuration: it has a/u],
  ])('%s', async (_name, text, args, message) => {
    const outcome = await verify(token(key), file('bad.yaml', text), ...args);
    expect(outcome.exitCode).toBe(2);
    expect(outcome.stderr).toMatch(message);
  });
});

function configurationText({ more = '', issuer: of = issuer, keys: place = `keySetFile: "${keys}"` }: { more?: string; issuer?: string; keys?: string }): string {
  const rule = `{name: a, issuer: "${of}", audiences: [api]${more === '' ? '' : `, ${more}`}}`;
  return `apiVersion: mtlsd.io/v1alpha1\nkind: GatewayConfiguration\nissuers: [{issuer: "${issuer}", ${place}}]\nrules: [${rule}]\n`;
}
