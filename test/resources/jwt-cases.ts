/** As in manifest-cases.ts, which takes these in. */
import type { ManifestCase } from './manifest-case.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Cases of `spec.jwt` of a TrustDomain; the parameter makes a manifest with a spec. */
export function jwtCases(trustDomain: (spec: Fields) => Fields): readonly ManifestCase[] {
  const refused = (title: string, good: Fields, bad: Fields, sentence: string): ManifestCase => ({ name: `jwt: ${title}`, good: trustDomain({ jwt: good }), bad: trustDomain({ jwt: bad }), sentences: [`spec.jwt.${sentence}`] });
  const url = 'write an https URL without user, query, fragment and trailing "/", such as https://tokens.shop.example';
  const issuer = (title: string, bad: string): ManifestCase => refused(title, { issuer: 'https://tokens.shop.example:8443/a/b-c' }, { issuer: bad }, `issuer: Invalid value: "${bad}": ${url}`);
  const duration = 'write hours, minutes and seconds in this order, such as';
  return [
    issuer('an issuer by http', 'http://tokens.shop.example'),
    issuer('an issuer with a slash at its end', 'https://tokens.shop.example/'),
    issuer('an issuer with a user', 'https://me@tokens.shop.example'),
    issuer('an issuer with a query', 'https://tokens.shop.example?a=b'),
    issuer('an issuer with a fragment', 'https://tokens.shop.example#a'),
    issuer('an issuer with a space', 'https://tokens.shop .example'),
    refused('an algorithm that is none of ours', {}, { algorithm: 'HS256' }, 'algorithm: Unsupported value: "HS256": supported values: "ES256", "RS256"'),
    refused('a life in days', { ttl: '1m' }, { ttl: '1d' }, `ttl: Invalid value: "1d": ${duration} 5m or 90s; there is no unit for days`),
    refused('a life that ends on its way', { ttl: '1m' }, { ttl: '59s' }, 'ttl: Invalid value: "59s": a token lives for 1m at least; write 1m or more'),
    refused('a life that serves a thief', { ttl: '1h' }, { ttl: '61m' }, 'ttl: Invalid value: "61m": a token lives for 1h at most; write 1h or less, because whoever steals it has it until then'),
    refused('a key that ends before the next is published', { keyLifetime: '1h' }, { keyLifetime: '59m' }, 'keyLifetime: Invalid value: "59m": a key signs for 1h at least, because the next one has to be published before; write 1h or more'),
    refused('a key in days', { keyLifetime: '168h' }, { keyLifetime: '7d' }, `keyLifetime: Invalid value: "7d": ${duration} 168h, 1h30m or 5400s; there is no unit for days`),
    refused('a key for ever', { keyLifetime: '8760h' }, { keyLifetime: '8761h' }, 'keyLifetime: Invalid value: "8761h": a key signs for 8760h (a year) at most; write 8760h or less'),
  ];
}

/** Cases of `spec.jwt` of identities. @param what what the kind is called in their names */
export function tokenCases(what: string, identity: (spec: Fields) => Fields): readonly ManifestCase[] {
  const tokens = (...audiences: readonly Fields[]) => identity({ jwt: { audiences } });
  const good = tokens({ name: 'bank', audience: 'https://bank.example' }, { name: 'b-2', audience: 'urn:b{}"' });
  const at = 'spec.jwt.audiences[0]';
  return [
    { name: `jwt: ${what} names a file with its suffix`, good, bad: tokens({ name: 'bank.jwt', audience: 'a' }), sentences: [`${at}.name: Invalid value: "bank.jwt": write a name of lower-case letters, digits and "-", such as bank; the file is called bank.jwt`] },
    { name: `jwt: ${what} names an audience with a space`, good, bad: tokens({ name: 'bank', audience: 'the bank' }), sentences: [`${at}.audience: Invalid value: "the bank": write what the one who takes the token knows itself by, such as https://bank.example: visible ASCII characters without spaces`] },
    { name: `jwt: ${what} names a file twice`, good, bad: tokens({ name: 'bank', audience: 'a' }, { name: 'bank', audience: 'b' }), sentences: ['spec.jwt.audiences[1]: Duplicate value: {"name":"bank"}'] },
    { name: `jwt: ${what} names nobody`, good, bad: tokens({ name: 'bank' }), sentences: [`${at}.audience: Required value`] },
  ];
}
