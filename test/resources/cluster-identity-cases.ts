/** As in manifest-cases.ts, which takes these in. */
import { federatedIdentityCases } from './federation-cases.ts';
import { tokenCases } from './jwt-cases.ts';
import { reloadCases } from './reload-cases.ts';

type Fields = Readonly<Record<string, unknown>>;

interface ManifestCase {
  readonly name: string;
  readonly good: Fields;
  readonly bad: Fields;
  readonly sentences: readonly string[];
  readonly old?: Fields;
}

/** A ClusterWorkloadIdentity of every namespace, with these fields besides. */
const clusterIdentity = (spec: Fields, metadata: Fields = {}): Fields => ({
  apiVersion: 'mtlsd.io/v1alpha1',
  kind: 'ClusterWorkloadIdentity',
  metadata: { name: 'fleet', ...metadata },
  spec: { namespaceSelector: {}, ...spec },
});

const operators = 'In and NotIn need at least one entry in values; Exists and DoesNotExist take none';
const keyForm = 'a key has an optional prefix and a name of at most 63 characters, such as example.com/team or team';
const whole = 'write hours, minutes and seconds in this order, such as 1h, 1h30m or 90s; there is no unit for days';
const dnsForm = 'a DNS name is made of lower-case letters, digits, "-" and ".", and of placeholders; write, for example, {serviceAccount}.{namespace}.svc';
const secretForm = 'write the name of a Secret, such as {serviceAccount}-mtls: lower-case letters, digits, "-", ".", {serviceAccount} and {namespace}';
const accountForm = 'write the name of a service account, such as cart: lower-case letters, digits, "-" and ".", without the namespace';

const exists = { matchExpressions: [{ key: 'team', operator: 'Exists' }] };
const nothingIn = { matchExpressions: [{ key: 'team', operator: 'In', values: [] }] };
const onlyPods = { deliveries: ['PodCertificate'] };

const refused = (name: string, good: Fields, bad: Fields, field: string, value: string, sentence: string): ManifestCase => ({
  name: `fleet: ${name}`,
  good: clusterIdentity(good),
  bad: clusterIdentity(bad),
  sentences: [`spec.${field}: Invalid value: ${value}${sentence}`],
});

const dnsName = (name: string, good: string, bad: string, sentence: string): ManifestCase =>
  refused(`DNS name ${name}`, { dnsNames: [good] }, { dnsNames: [bad] }, 'dnsNames[0]', `"${bad}": `, sentence);

/** Manifests of ClusterWorkloadIdentities that are refused. */
export const clusterIdentityCases: readonly ManifestCase[] = [
  ...reloadCases('a fleet', clusterIdentity),
  ...federatedIdentityCases('a fleet', clusterIdentity),
  ...tokenCases('a fleet', clusterIdentity),
  {
    name: 'fleet: no namespaces named',
    good: clusterIdentity({}),
    bad: { ...clusterIdentity({}), spec: {} },
    sentences: ['spec.namespaceSelector: Required value'],
  },
  refused('namespaces In nothing', { namespaceSelector: exists }, { namespaceSelector: nothingIn }, 'namespaceSelector.matchExpressions[0]', '', operators),
  refused('service accounts In nothing', { serviceAccountSelector: exists }, { serviceAccountSelector: nothingIn }, 'serviceAccountSelector.matchExpressions[0]', '', operators),
  refused('pods In nothing', { podSelector: exists, ...onlyPods }, { podSelector: nothingIn, ...onlyPods }, 'podSelector.matchExpressions[0]', '', operators),
  refused('service account with its namespace', { serviceAccountNames: ['cart.v2'] }, { serviceAccountNames: ['shop/cart'] }, 'serviceAccountNames[0]', '"shop/cart": ', accountForm),
  refused('pods share a Secret', { podSelector: exists, ...onlyPods }, { podSelector: exists }, 'deliveries', '', 'a Secret is shared by all pods of a service account, so podSelector is for pod certificates alone: write deliveries: [PodCertificate]'),
  refused('no delivery', { deliveries: ['Secret'] }, { deliveries: [] }, 'deliveries', '', 'an identity that is delivered nowhere is of no use: write Secret, PodCertificate or both'),
  refused('priority', { priority: 1000 }, { priority: 1001 }, 'priority', '1001: ', 'a priority is a whole number from -1000 to 1000'),
  refused('trust domain as a URI', { trustDomain: 'shop.example' }, { trustDomain: 'spiffe://shop.example' }, 'trustDomain', '"spiffe://shop.example": ', 'write the name of a TrustDomain, such as shop.example: lower-case letters, digits, "-" and ".", without "spiffe://"'),
  dnsName('wildcard', '{service}.{namespace}.svc', '*.{namespace}.svc', 'wildcards are not issued, because a wildcard speaks for workloads that are not this one; write {service} for each service that selects the pod'),
  dnsName('with an unknown placeholder', 'a-{serviceAccount}-{namespace}.b', '{pod}.shop.svc', 'the placeholders are {namespace}, {serviceAccount} and {service}; write, for example, {serviceAccount}.{namespace}.svc'),
  dnsName('with an open placeholder', '{service}', '{service.shop', 'the placeholders are {namespace}, {serviceAccount} and {service}; write, for example, {serviceAccount}.{namespace}.svc'),
  dnsName('in upper case', 'cart.{namespace}', 'Cart.{namespace}', dnsForm),
  dnsName('ending in a dot', '{serviceAccount}.svc', '{serviceAccount}.svc.', dnsForm),
  dnsName('with an empty label', 'a.{service}', 'a..{service}', dnsForm),
  refused('TTL in days', { ttl: '24h' }, { ttl: '1d' }, 'ttl', '"1d": ', whole),
  refused('TTL too short', { ttl: '1m' }, { ttl: '59s' }, 'ttl', '"59s": ', 'an identity lives for 1m at least; write 1m or more'),
  refused('TTL too long', { ttl: '24h' }, { ttl: '25h' }, 'ttl', '"25h": ', 'an identity lives for 24h at most; write 24h or less, it is renewed by itself'),
  refused('one Secret for all', { secretName: '{namespace}.{serviceAccount}' }, { secretName: 'mtls' }, 'secretName', '"mtls": ', 'it must hold {serviceAccount}, or the service accounts of a namespace would share one Secret; write {serviceAccount}-mtls'),
  refused('Secret in upper case', { secretName: 'x-{serviceAccount}' }, { secretName: '{serviceAccount}-TLS' }, 'secretName', '"{serviceAccount}-TLS": ', secretForm),
  {
    name: 'fleet: another Secret name',
    old: clusterIdentity({ secretName: '{serviceAccount}-mtls' }),
    good: clusterIdentity({ secretName: '{serviceAccount}-mtls', ttl: '2h' }),
    bad: clusterIdentity({ secretName: '{serviceAccount}-tls' }),
    sentences: ['spec.secretName: Invalid value: "{serviceAccount}-tls": it cannot be changed, because pods mount the Secrets by this name; make another ClusterWorkloadIdentity'],
  },
  refused('label key', { secretTemplate: { labels: { 'example.com/team': 'a' } } }, { secretTemplate: { labels: { 'a b': 'a' } } }, 'secretTemplate.labels', '', keyForm),
  refused('label of ours', { secretTemplate: { labels: { team: 'a' } } }, { secretTemplate: { labels: { 'mtlsd.io/x': 'a' } } }, 'secretTemplate.labels', '', 'labels under mtlsd.io/ and app.kubernetes.io/managed-by are written by mtlsd; use a prefix of your own'),
  refused('label value', { secretTemplate: { labels: { team: 'a.b' } } }, { secretTemplate: { labels: { team: 'a b' } } }, 'secretTemplate.labels', '', 'a label value has letters, digits, "-", "_" and "." only, and starts and ends with a letter or digit'),
  refused('annotation key', { secretTemplate: { annotations: { team: 'a' } } }, { secretTemplate: { annotations: { 'a b': 'a' } } }, 'secretTemplate.annotations', '', keyForm),
  refused('annotation of ours', { secretTemplate: { annotations: { team: 'a' } } }, { secretTemplate: { annotations: { 'mtlsd.io/file-mode': '0640' } } }, 'secretTemplate.annotations', '', 'annotations under mtlsd.io/ are written by mtlsd; use a prefix of your own'),
];
