import { expect, test } from 'vitest';
import { readGatewayConfiguration } from '../../src/app/gateway/configuration.ts';

const read = (issuer: string) => readGatewayConfiguration(`{apiVersion: mtlsd.io/v1alpha1, kind: GatewayConfiguration, issuers: [${issuer}], rules: [{name: r, issuer: "${/issuer: "([^"]+)"/u.exec(issuer)?.[1] ?? ''}", audiences: [orders]}]}`, 'gateway.yaml');

test('the tokens of an issuer with a SPIFFE bundle are judged as those of its trust domain, others are not', () => {
  expect(read('{issuer: "spiffe://partner.example", keySet: "https://spiffe.partner.example/bundle", trustDomain: partner.example}')).toMatchObject({ issuers: [{ trustDomain: 'partner.example' }], rules: [{ trustDomain: 'partner.example' }] });
  expect(read('{issuer: "https://issuer.example"}').rules[0]).not.toHaveProperty('trustDomain');
});

test.each([
  ['without a place', '{issuer: "https://issuer.example", trustDomain: partner.example}', /issuers\[0\]\.trustDomain: say where its SPIFFE bundle is, as keySet or keySetFile/u],
  ['by the ID of another trust domain', '{issuer: "spiffe://shop.example", keySetFile: f, trustDomain: partner.example}', /issuers\[0\]\.issuer: write spiffe:\/\/partner\.example for tokens without iss/u],
  ['of a name that is none', '{issuer: "https://issuer.example", keySetFile: f, trustDomain: "Partner!"}', /issuers\[0\]\.trustDomain: /u],
])('a bundle %s is refused, with what to write', (_what, issuer, why) => {
  expect(() => read(issuer)).toThrow(why);
});
