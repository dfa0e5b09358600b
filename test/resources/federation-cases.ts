/** As in manifest-cases.ts, which takes these in. */
import type { ManifestCase } from './manifest-case.ts';

type Fields = Readonly<Record<string, unknown>>;

const pem = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
const url = 'https://spiffe.partner.example/bundle';
const web = { url, profile: 'https_web' };
const spiffe = { url, profile: 'https_spiffe', endpointSPIFFEID: 'spiffe://partner.example/spire/server', bootstrapBundle: pem };
const name = 'write the name of a trust domain, such as partner.example: lower-case letters, digits, "-", "_" and ".", without "spiffe://"';

/** Cases of `spec.federatesWith` of a TrustDomain; the parameter makes a manifest with a spec. */
export function federationCases(trustDomain: (spec: Fields) => Fields): readonly ManifestCase[] {
  const peer = (bundleEndpoint: Fields, trustDomainName = 'partner.example') => trustDomain({ federatesWith: [{ trustDomain: trustDomainName, bundleEndpoint }] });
  const at = 'spec.federatesWith[0]';
  const address = 'write an address that begins with "https://", with a host and without user, "@" or "#" (SPIFFE-33), such as https://spiffe.partner.example/bundle';
  const refused = (title: string, good: Fields, bad: Fields, sentence: string): ManifestCase => ({ name: `federation: ${title}`, good: peer(good), bad: peer(bad), sentences: [`${at}.bundleEndpoint${sentence}`] });
  return [
    { name: 'federation: with itself', good: peer(web), bad: peer(web, 'shop.example'), sentences: ['spec.federatesWith: Invalid value: a trust domain does not federate with itself; name other trust domains only'] },
    { name: 'federation: a name with a scheme', good: peer(web), bad: peer(web, 'spiffe://partner.example'), sentences: [`${at}.trustDomain: Invalid value: "spiffe://partner.example": ${name}`] },
    {
      name: 'federation: one name twice',
      good: trustDomain({ federatesWith: [{ trustDomain: 'a.example', bundleEndpoint: web }, { trustDomain: 'b.example', bundleEndpoint: web }] }),
      bad: trustDomain({ federatesWith: [{ trustDomain: 'a.example', bundleEndpoint: web }, { trustDomain: 'a.example', bundleEndpoint: { ...web, url: `${url}/2` } }] }),
      sentences: ['spec.federatesWith[1]: Duplicate value: {"trustDomain":"a.example"}'],
    },
    refused('plain http', web, { ...web, url: 'http://spiffe.partner.example/bundle' }, `.url: Invalid value: "http://spiffe.partner.example/bundle": ${address}`),
    refused('a user in the address', { ...web, url: 'https://[2001:db8::1]:8443/bundle' }, { ...web, url: 'https://me@spiffe.partner.example/' }, `.url: Invalid value: "https://me@spiffe.partner.example/": ${address}`),
    refused('https_spiffe without what its server is recognised by', spiffe, { url, profile: 'https_spiffe' }, ': Invalid value: https_spiffe needs endpointSPIFFEID and bootstrapBundle, and takes no webRoots'),
    refused('https_spiffe with roots of the web', spiffe, { ...spiffe, webRoots: pem }, ': Invalid value: https_spiffe needs endpointSPIFFEID and bootstrapBundle, and takes no webRoots'),
    refused('https_web with a bootstrap bundle', { ...web, webRoots: pem }, { ...web, bootstrapBundle: pem }, ': Invalid value: https_web takes neither endpointSPIFFEID nor bootstrapBundle; set profile to https_spiffe, or leave them out'),
    refused('a bootstrap bundle that is none', spiffe, { ...spiffe, bootstrapBundle: 'none' }, '.bootstrapBundle: Invalid value: "none": write the roots of the other trust domain as PEM, each between "-----BEGIN CERTIFICATE-----" and "-----END CERTIFICATE-----"'),
    refused('a blank in the address', web, { ...web, url: `${url} 2` }, `.url: Invalid value: "${url} 2": ${address}`),
    refused('a private key as roots', { ...web, webRoots: pem }, { ...web, webRoots: `${pem}-----BEGIN PRIVATE KEY-----` }, `.webRoots: Invalid value: "${pem.replaceAll('\n', String.raw`\n`)}-----BEGIN PRIVATE KEY-----": write roots as PEM, each between "-----BEGIN CERTIFICATE-----" and "-----END CERTIFICATE-----"`),
    {
      name: 'federation: a server of a third trust domain',
      good: peer(spiffe),
      bad: peer({ ...spiffe, endpointSPIFFEID: 'spiffe://other.example/spire/server' }),
      sentences: [`${at}: Invalid value: bundleEndpoint.endpointSPIFFEID must be a SPIFFE ID of the other trust domain itself, because its own bundle verifies it`],
    },
    refused('an ID without a path', spiffe, { ...spiffe, endpointSPIFFEID: 'spiffe://partner.example/' }, '.endpointSPIFFEID: Invalid value: "spiffe://partner.example/": write the whole SPIFFE ID of the server, such as spiffe://partner.example/spire/server'),
  ];
}

/** Cases of `spec.federatesWith` of identities. @param what what the kind is called in their names */
export function federatedIdentityCases(what: string, identity: (spec: Fields) => Fields): readonly ManifestCase[] {
  return [
    { name: `federation: ${what} names a SPIFFE ID`, good: identity({ federatesWith: ['partner.example'] }), bad: identity({ federatesWith: ['spiffe://partner.example'] }), sentences: [`spec.federatesWith[0]: Invalid value: "spiffe://partner.example": ${name}`] },
    { name: `federation: ${what} names one twice`, good: identity({ federatesWith: ['a.example', 'b.example'] }), bad: identity({ federatesWith: ['a.example', 'a.example'] }), sentences: ['spec.federatesWith[1]: Duplicate value: "a.example"'] },
  ];
}
