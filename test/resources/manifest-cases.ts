/**
 * Manifests that are refused, each with a neighbour that is taken and with every sentence that it gets. The unit tests hold
 * our validation to them, the cluster tests a real API server.
 */
import { clusterIdentityCases } from './cluster-identity-cases.ts';
import { federatedIdentityCases, federationCases } from './federation-cases.ts';
import { jwtCases, tokenCases } from './jwt-cases.ts';
import { dnsNameCases } from './dns-name-cases.ts';
import { formatsCases } from './keystore-cases.ts';
import type { ManifestCase } from './manifest-case.ts';
import { reloadCases } from './reload-cases.ts';
import { rotationCases, rotationSettingCases } from './rotation-cases.ts';

type Fields = ManifestCase['good'];

const apiVersion = 'mtlsd.io/v1alpha1';

/** A TrustDomain with this spec. */
export const trustDomain = (spec: Fields, metadata: Fields = {}): Fields => ({
  apiVersion,
  kind: 'TrustDomain',
  metadata: { name: 'shop.example', ...metadata },
  spec,
});

/** A WorkloadIdentity with this spec. */
export const identity = (spec: Fields, metadata: Fields = {}): Fields => ({
  apiVersion,
  kind: 'WorkloadIdentity',
  metadata: { name: 'cart', namespace: 'shop', ...metadata },
  spec,
});

const whole = (example: string) => `write hours, minutes and seconds in this order, such as ${example}, 1h30m or 90s; there is no unit for days`;
const bothPlaceholders =
  'it must hold {namespace} and {serviceAccount}, or two workloads would share one SPIFFE ID; write /ns/{namespace}/sa/{serviceAccount}';
const oneEach = 'each placeholder stands once and in a segment of its own, or two workloads could share one SPIFFE ID; write /ns/{namespace}/sa/{serviceAccount}';
const pathCharacters =
  'it must start with "/", must not end with "/", and its segments may hold A-Z, a-z, 0-9, ".", "_", "-", {namespace} and {serviceAccount} only (SPIFFE-3)';
const keyForm = 'a key has an optional prefix and a name of at most 63 characters, such as example.com/team or team';

const template = (name: string, good: string, bad: string, ...sentences: readonly string[]): ManifestCase => ({
  name: `path template: ${name}`,
  good: trustDomain({ pathTemplate: good }),
  bad: trustDomain({ pathTemplate: bad }),
  sentences: sentences.map((sentence) => `spec.pathTemplate: Invalid value: "${bad}": ${sentence}`),
});

const life = (name: string, field: 'ttl' | 'maxTTL', good: string, bad: string, sentence: string): ManifestCase => ({
  name,
  good: trustDomain({ svid: { [field]: good } }),
  bad: trustDomain({ svid: { [field]: bad } }),
  sentences: [`spec.svid.${field}: Invalid value: "${bad}": ${sentence}`],
});

/** Cases of TrustDomain. */
export const trustDomainCases: readonly ManifestCase[] = [
  ...federationCases(trustDomain),
  ...jwtCases(trustDomain),
  {
    name: 'root lifetime in days',
    good: trustDomain({ rootAuthority: { lifetime: '17520h' } }),
    bad: trustDomain({ rootAuthority: { lifetime: '365d' } }),
    sentences: [`spec.rootAuthority.lifetime: Invalid value: "365d": ${whole('8760h')}`],
  },
  {
    name: 'root that outlives everybody',
    good: trustDomain({ rootAuthority: { lifetime: '219000h' } }),
    bad: trustDomain({ rootAuthority: { lifetime: '219000h1s' } }),
    sentences: ['spec.rootAuthority.lifetime: Invalid value: "219000h1s": a root authority lives for 219000h (25 years) at most'],
  },
  {
    name: 'issuing lifetime without a unit',
    good: trustDomain({ issuingAuthority: { lifetime: '48h' } }),
    bad: trustDomain({ issuingAuthority: { lifetime: '48' } }),
    sentences: [`spec.issuingAuthority.lifetime: Invalid value: "48": ${whole('336h')}`],
  },
  {
    name: 'issuing lifetime below 2m',
    good: trustDomain({ issuingAuthority: { lifetime: '2m' }, svid: { ttl: '1m', maxTTL: '1m' } }),
    bad: trustDomain({ issuingAuthority: { lifetime: '119s' }, svid: { ttl: '1m', maxTTL: '1m' } }),
    sentences: [
      'spec.issuingAuthority.lifetime: Invalid value: "119s": an issuing authority lives for 2m at least, so that identities of 1m fit into what is left at its turn-over',
      'spec.svid.maxTTL: Invalid value: it is 1m and must be at most half of issuingAuthority.lifetime (119s), which is what is left when the authority is replaced: write a shorter maxTTL, or raise issuingAuthority.lifetime',
    ],
  },
  {
    name: 'issuing authority that outlives its root',
    good: trustDomain({ rootAuthority: { lifetime: '672h' }, issuingAuthority: { lifetime: '336h' } }),
    bad: trustDomain({ rootAuthority: { lifetime: '671h' }, issuingAuthority: { lifetime: '336h' } }),
    sentences: [
      'spec.issuingAuthority.lifetime: Invalid value: it is 336h and must be at most half of rootAuthority.lifetime (671h), so that the next issuing authority has its full life under the same root: shorten it, or raise rootAuthority.lifetime',
    ],
  },
  life('ttl with a fraction', 'ttl', '1h30m', '1.5h', whole('1h')),
  life('ttl below 1m', 'ttl', '60s', '59s', 'an identity lives for 1m at least; write 1m or more'),
  life('maxTTL that is empty', 'maxTTL', '12h', '', whole('24h')),
  life('maxTTL above 24h', 'maxTTL', '24h', '25h', 'an identity lives for 24h at most; write 24h or less'),
  {
    name: 'ttl longer than maxTTL',
    good: trustDomain({ svid: { ttl: '2h', maxTTL: '2h' } }),
    bad: trustDomain({ svid: { ttl: '2h', maxTTL: '1h' } }),
    sentences: ['spec.svid.ttl: Invalid value: ttl (2h) is longer than maxTTL (1h): write 1h or less, or raise maxTTL'],
  },
  {
    name: 'maxTTL that the issuing authority cannot honour at its turn-over',
    good: trustDomain({ svid: { maxTTL: '12h' }, issuingAuthority: { lifetime: '24h' } }),
    bad: trustDomain({ svid: { maxTTL: '12h1s' }, issuingAuthority: { lifetime: '24h' } }),
    sentences: [
      'spec.svid.maxTTL: Invalid value: it is 12h1s and must be at most half of issuingAuthority.lifetime (24h), which is what is left when the authority is replaced: write a shorter maxTTL, or raise issuingAuthority.lifetime',
    ],
  },
  template('without a service account', '/{namespace}/{serviceAccount}', '/ns/{namespace}', bothPlaceholders),
  template('without a namespace', '/sa-{serviceAccount}/ns-{namespace}', '/sa/{serviceAccount}', bothPlaceholders),
  template('two placeholders in a segment', '/{namespace}/{serviceAccount}', '/{namespace}-{serviceAccount}', oneEach),
  template('a placeholder twice', '/{namespace}/{serviceAccount}', '/{namespace}/{serviceAccount}/{namespace}', oneEach),
  template('without the first slash', '/{namespace}/{serviceAccount}', '{namespace}/{serviceAccount}', pathCharacters),
  template('with a slash at the end', '/{namespace}/{serviceAccount}', '/{namespace}/{serviceAccount}/', pathCharacters),
  template('with an empty segment', '/{namespace}/{serviceAccount}', '/{namespace}//{serviceAccount}', pathCharacters),
  template('with percent-encoding', '/{namespace}/{serviceAccount}', '/a%20b/{namespace}/{serviceAccount}', pathCharacters),
  template('with an unknown placeholder', '/{namespace}/{serviceAccount}', '/{namespace}/{serviceAccount}/{pod}', pathCharacters),
  template('below /ext/', '/extra/{namespace}/{serviceAccount}', '/ext/{namespace}/{serviceAccount}', 'it leads to /ext/, where the IDs of callers from outside are; begin it with another segment'),
  template('with a dot segment', '/.../{namespace}/{serviceAccount}', '/../{namespace}/{serviceAccount}', 'a segment must not be "." or ".." (SPIFFE-3)'),
  {
    name: 'path template that is changed',
    old: trustDomain({ pathTemplate: '/{namespace}/{serviceAccount}' }),
    good: trustDomain({ pathTemplate: '/{namespace}/{serviceAccount}', svid: { ttl: '2h' } }),
    bad: trustDomain({}),
    sentences: [
      'spec.pathTemplate: Invalid value: "/ns/{namespace}/sa/{serviceAccount}": it cannot be changed, because that would rename every identity at once; make another TrustDomain and move the identities to it',
    ],
  },
  ...['*cart.{namespace}', 'Cart.shop', '{serviceAccount}.shop', 'cart..shop', 'cart.shop.', '-a.shop'].map((pattern) => ({
    name: `DNS pattern ${pattern}`,
    good: trustDomain({ dnsNames: { allowedPatterns: ['*.{namespace}.svc', 'cart.shop', '*'] } }),
    bad: trustDomain({ dnsNames: { allowedPatterns: [pattern] } }),
    sentences: [
      `spec.dnsNames.allowedPatterns[0]: Invalid value: "${pattern}": a pattern is made of labels with dots between them; a label is "*" (exactly one label), {namespace}, or a lower-case name; write for example *.{namespace}.svc.cluster.local`,
    ],
  })),
  {
    name: 'DNS pattern that stands twice',
    good: trustDomain({ dnsNames: { allowedPatterns: [] } }),
    bad: trustDomain({ dnsNames: { allowedPatterns: ['a', 'b', 'a'] } }),
    sentences: ['spec.dnsNames.allowedPatterns[2]: Duplicate value: "a"'],
  },
  {
    name: 'bundle without a selector',
    good: trustDomain({ bundle: { namespaceSelector: {} } }),
    bad: trustDomain({ bundle: {} }),
    sentences: ['spec.bundle.namespaceSelector: Required value'],
  },
  {
    name: 'selector: In without values',
    good: trustDomain({
      bundle: { namespaceSelector: { matchExpressions: [{ key: 'team', operator: 'In', values: ['a'] }, { key: 'team', operator: 'Exists' }] } },
    }),
    bad: trustDomain({
      bundle: { namespaceSelector: { matchExpressions: [{ key: 'team', operator: 'In' }, { key: 'team', operator: 'Exists', values: ['a'] }] } },
    }),
    sentences: [0, 1].map(
      (index) =>
        `spec.bundle.namespaceSelector.matchExpressions[${index}]: Invalid value: In and NotIn need at least one entry in values; Exists and DoesNotExist take none`,
    ),
  },
  {
    name: 'name that no label can hold',
    good: trustDomain({}, { name: 'a'.repeat(63) }),
    bad: trustDomain({}, { name: 'a'.repeat(64) }),
    sentences: ['metadata.name: Too long: may not be more than 63 bytes'],
  },
  {
    name: 'name that Kubernetes refuses',
    good: trustDomain({}, { name: 'shop-1.example' }),
    bad: trustDomain({}, { name: 'Shop_1' }),
    sentences: [
      String.raw`metadata.name: Invalid value: "Shop_1": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`,
    ],
  },
  {
    name: 'key that is too weak, a flag that is text',
    good: trustDomain({ rootAuthority: { keyAlgorithm: 'RSA4096' }, default: true }),
    bad: trustDomain({ rootAuthority: { keyAlgorithm: 'RSA2048' }, default: 'yes' }),
    sentences: [
      'spec.rootAuthority.keyAlgorithm: Unsupported value: "RSA2048": supported values: "ECDSAP256", "ECDSAP384", "ECDSAP521", "RSA3072", "RSA4096"',
      'spec.default: Invalid value: "string": spec.default in body must be of type boolean: "string"',
    ],
  },
];

const commonNameIsHost =
  "spec.commonName: Invalid value: it reads as a DNS name or address, which some clients compare with the host that they called; list it in dnsNames too, so that the trust domain's policy covers it";

/** Cases of WorkloadIdentity. */
export const identityCases: readonly ManifestCase[] = [
  ...formatsCases(identity),
  ...reloadCases('an identity', identity),
  ...federatedIdentityCases('an identity', identity),
  ...tokenCases('an identity', identity),
  {
    name: 'trust domain that is a URL',
    good: identity({ trustDomain: 'shop.example' }),
    bad: identity({ trustDomain: 'spiffe://shop.example' }),
    sentences: ['spec.trustDomain: Invalid value: "spiffe://shop.example": write the name of a TrustDomain, such as shop.example: lower-case letters, digits, "-" and ".", without "spiffe://"'],
  },
  {
    name: 'service account with its namespace',
    good: identity({ serviceAccountName: 'cart.v2' }),
    bad: identity({ serviceAccountName: 'shop/cart' }),
    sentences: ['spec.serviceAccountName: Invalid value: "shop/cart": write the name of a service account of this namespace, such as cart: lower-case letters, digits, "-" and ".", without the namespace'],
  },
  ...dnsNameCases(identity),
  {
    name: 'common name with a space at its end',
    good: identity({ commonName: 'Shopping cart, Inc.' }),
    bad: identity({ commonName: 'cart ' }),
    sentences: ['spec.commonName: Invalid value: "cart ": write it without control characters and without a space at its start or end'],
  },
  {
    name: 'common name with control characters',
    good: identity({ commonName: 'Käse' }),
    bad: identity({ commonName: 'a\nb\u0000' }),
    sentences: [String.raw`spec.commonName: Invalid value: "a\nb\x00": write it without control characters and without a space at its start or end`],
  },
  {
    name: 'common name that speaks for a host outside the policy',
    good: identity({ commonName: 'cart.shop', dnsNames: ['cart.shop'] }),
    bad: identity({ commonName: 'cart.shop', dnsNames: ['cart.shop.svc'] }),
    sentences: [commonNameIsHost],
  },
  {
    name: 'common name that is a wildcard',
    good: identity({ commonName: 'app_user' }),
    bad: identity({ commonName: '*' }),
    sentences: [commonNameIsHost],
  },
  {
    name: 'ttl with an unknown unit',
    good: identity({ ttl: '1h30m' }),
    bad: identity({ ttl: '10x' }),
    sentences: [`spec.ttl: Invalid value: "10x": ${whole('1h')}`],
  },
  {
    name: 'ttl below 1m',
    good: identity({ ttl: '1m' }),
    bad: identity({ ttl: '30s' }),
    sentences: ['spec.ttl: Invalid value: "30s": an identity lives for 1m at least; write 1m or more'],
  },
  {
    name: 'ttl above 24h',
    good: identity({ ttl: '24h' }),
    bad: identity({ ttl: '720h' }),
    sentences: ['spec.ttl: Invalid value: "720h": an identity lives for 24h at most; write 24h or less, it is renewed by itself'],
  },
  {
    name: 'ttl that is a number',
    good: identity({ ttl: '90s' }),
    bad: identity({ ttl: 90 }),
    sentences: ['spec.ttl: Invalid value: "integer": spec.ttl in body must be of type string: "integer"'],
  },
  {
    name: 'key that is too weak',
    good: identity({ keyAlgorithm: 'RSA2048' }),
    bad: identity({ keyAlgorithm: 'RSA1024' }),
    sentences: [
      'spec.keyAlgorithm: Unsupported value: "RSA1024": supported values: "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519", "RSA2048", "RSA3072", "RSA4096"',
    ],
  },
  {
    name: 'secret name with a slash',
    good: identity({ secretName: 'cart-tls' }),
    bad: identity({ secretName: 'other/cart-tls' }),
    sentences: ['spec.secretName: Invalid value: "other/cart-tls": write the name of a Secret, such as cart-mtls: lower-case letters, digits, "-" and "."'],
  },
  {
    name: 'secret name that is changed',
    old: identity({ secretName: 'cart-tls' }),
    good: identity({ secretName: 'cart-tls', ttl: '2h' }),
    bad: identity({ secretName: 'cart-mtls' }),
    sentences: ['spec.secretName: Invalid value: it cannot be changed, because pods mount the Secret by this name; make another WorkloadIdentity'],
  },
  {
    name: 'secret name that is taken away',
    old: identity({ secretName: 'cart-tls' }),
    good: identity({ secretName: 'cart-tls', keyAlgorithm: 'ED25519' }),
    bad: identity({}),
    sentences: ['spec.secretName: Invalid value: it cannot be changed, because pods mount the Secret by this name; make another WorkloadIdentity'],
  },
  {
    name: 'name that leaves no room for the Secret',
    good: identity({}, { name: 'a'.repeat(248) }),
    bad: identity({}, { name: 'a'.repeat(249) }),
    sentences: ['metadata.name: Too long: may not be more than 248 bytes'],
  },
  {
    name: 'label key without a name',
    good: identity({ secretTemplate: { labels: { 'example.com/team': 'cart', team: '', constructor: 'x' } } }),
    bad: identity({ secretTemplate: { labels: { 'example.com/': 'cart' } } }),
    sentences: [`spec.secretTemplate.labels: Invalid value: ${keyForm}`],
  },
  {
    name: 'label of ours',
    good: identity({ secretTemplate: { labels: { 'app.kubernetes.io/name': 'cart', 'notmtlsd.io/a': 'b' } } }),
    bad: identity({ secretTemplate: { labels: { 'app.kubernetes.io/managed-by': 'Helm' } } }),
    sentences: [
      'spec.secretTemplate.labels: Invalid value: labels under mtlsd.io/ and app.kubernetes.io/managed-by are written by mtlsd; use a prefix of your own',
    ],
  },
  {
    name: 'label value with a space',
    good: identity({ secretTemplate: { labels: { team: 'Cart_1.x' } } }),
    bad: identity({ secretTemplate: { labels: { team: 'the cart' } } }),
    sentences: [
      'spec.secretTemplate.labels: Invalid value: a label value has letters, digits, "-", "_" and "." only, and starts and ends with a letter or digit',
    ],
  },
  {
    name: 'annotation key with two slashes',
    good: identity({ secretTemplate: { annotations: { 'example.com/note': 'anything goes: ✓' } } }),
    bad: identity({ secretTemplate: { annotations: { 'example.com/a/b': 'x' } } }),
    sentences: [`spec.secretTemplate.annotations: Invalid value: ${keyForm}`],
  },
  {
    name: 'annotation of ours',
    good: identity({ secretTemplate: { annotations: { 'mtlsd.io/file-mode': '0440', 'mtlsd.io/file-owner': '0:1000660000' } } }),
    bad: identity({ secretTemplate: { annotations: { 'mtlsd.io/spiffe-id': 'spiffe://other/x' } } }),
    sentences: [
      'spec.secretTemplate.annotations: Invalid value: annotations under mtlsd.io/ are written by mtlsd, but for mtlsd.io/file-mode and mtlsd.io/file-owner; use a prefix of your own',
    ],
  },
  ...['0666', '640', '4755', '0240', 'rw-r-----'].map((mode) => ({
    name: `file mode ${mode}`,
    good: identity({ secretTemplate: { annotations: { 'mtlsd.io/file-mode': '0640' } } }),
    bad: identity({ secretTemplate: { annotations: { 'mtlsd.io/file-mode': mode } } }),
    sentences: [
      'spec.secretTemplate.annotations: Invalid value: mtlsd.io/file-mode is four octal digits that let the owner read and do not let others write, such as "0640"',
    ],
  })),
  {
    name: 'file owner by name',
    good: identity({ secretTemplate: { annotations: { 'mtlsd.io/file-owner': '1000:1000' } } }),
    bad: identity({ secretTemplate: { annotations: { 'mtlsd.io/file-owner': 'www-data:www-data' } } }),
    sentences: ['spec.secretTemplate.annotations: Invalid value: mtlsd.io/file-owner is a numeric user and group, such as "1000:1000"'],
  },
  {
    name: 'labels of the object itself',
    good: identity({}, { labels: { 'example.com/team': 'cart' } }),
    bad: identity({}, { labels: { 'a b': 'x y' } }),
    sentences: [
      "metadata.labels: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
      "metadata.labels: Invalid value: \"x y\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
    ],
  },
  {
    name: 'secret name that is empty',
    good: identity({ secretName: 'x' }),
    bad: identity({ secretName: '' }),
    sentences: [
      'spec.secretName: Invalid value: "": spec.secretName in body should be at least 1 chars long',
      'spec.secretName: Invalid value: "": write the name of a Secret, such as cart-mtls: lower-case letters, digits, "-" and "."',
    ],
  },
  {
    name: 'everything at once',
    good: identity({ secretName: 'x', commonName: 'x', deletionPolicy: null, secretTemplate: { labels: { team: null } } }),
    bad: identity({ secretName: '', commonName: ['x'], deletionPolicy: 'Keep', dnsNames: ['a'.repeat(254), null, 5] }),
    sentences: [
      'spec.secretName: Invalid value: "": spec.secretName in body should be at least 1 chars long',
      'spec.secretName: Invalid value: "": write the name of a Secret, such as cart-mtls: lower-case letters, digits, "-" and "."',
      'spec.commonName: Invalid value: "array": spec.commonName in body must be of type string: "array"',
      'spec.deletionPolicy: Unsupported value: "Keep": supported values: "Delete", "Retain"',
      'spec.dnsNames[0]: Too long: may not be more than 253 bytes',
      'spec.dnsNames[1]: Invalid value: "null": spec.dnsNames[1] in body must be of type string: "null"',
      'spec.dnsNames[2]: Invalid value: "integer": spec.dnsNames[2] in body must be of type string: "integer"',
    ],
  },
  {
    name: 'name with a strange character in a terminal',
    good: identity({ trustDomain: 'shop' }),
    bad: identity({ trustDomain: 'sh\u202Eop\u{E0001}"' }),
    sentences: [
      String.raw`spec.trustDomain: Invalid value: "sh\u202eop\U000e0001\"": write the name of a TrustDomain, such as shop.example: lower-case letters, digits, "-" and ".", without "spiffe://"`,
    ],
  },
];

/** All of them. */
export const manifestCases: readonly ManifestCase[] = [...trustDomainCases, ...identityCases, ...clusterIdentityCases, ...rotationSettingCases, ...rotationCases];
