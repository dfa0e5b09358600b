/** As in manifest-cases.ts, which takes these in. */
type Fields = Readonly<Record<string, unknown>>;

interface ManifestCase {
  readonly name: string;
  readonly good: Fields;
  readonly bad: Fields;
  readonly sentences: readonly string[];
  readonly old?: Fields;
}

const keyIdentifier = '0123456789abcdef0123456789abcdef01234567';

/** A CARotation of a root, with these fields besides. */
const rotation = (spec: Fields = {}): Fields => ({
  apiVersion: 'mtlsd.io/v1alpha1',
  kind: 'CARotation',
  metadata: { name: 'root-2026' },
  spec: { trustDomain: 'shop.example', what: 'Root', fromAuthority: keyIdentifier, ...spec },
});

const urgent = { mode: 'Emergency', confirm: 'shop.example' };
const whole = (example: string): string => `write hours, minutes and seconds in this order, such as ${example}, 1h30m or 90s; there is no unit for days`;

const change = (name: string, old: Fields, good: Fields, bad: Fields, ...sentences: readonly string[]): ManifestCase => ({ name: `CARotation: ${name}`, old: rotation(old), good: rotation(good), bad: rotation(bad), sentences });
const refused = (name: string, good: Fields, bad: Fields, ...sentences: readonly string[]): ManifestCase => ({ name: `CARotation: ${name}`, good: rotation(good), bad: rotation(bad), sentences });

const trustDomain = (spec: Fields): Fields => ({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'TrustDomain', metadata: { name: 'shop.example' }, spec });

/** Cases of what a TrustDomain says of rotations. */
export const rotationSettingCases: readonly ManifestCase[] = [
  ...([
    ['propagationBound', '24h', '25h', 'a change is seen within 24h; write 24h or less', '2m'],
    ['consumerReload', '168h', '169h', 'a consumer reloads within 168h (a week); write 168h or less', '5m'],
  ] as const).flatMap(([field, good, bad, sentence, example]) => [
    { name: `${field} that is too long`, good: trustDomain({ rotation: { [field]: good } }), bad: trustDomain({ rotation: { [field]: bad } }), sentences: [`spec.rotation.${field}: Invalid value: "${bad}": ${sentence}`] },
    { name: `${field} in days`, good: trustDomain({ rotation: { [field]: '0s' } }), bad: trustDomain({ rotation: { [field]: '1d' } }), sentences: [`spec.rotation.${field}: Invalid value: "1d": ${whole(example)}`] },
  ]),
  ...([
    ['every', 'a root is rotated every 1h at most; write 1h or more', '4380h'],
    ['beforeRemaining', 'a rotation takes its time; write 1h or more', '1440h'],
  ] as const).flatMap(([field, sentence, example]) => [
    { name: `a root that is rotated all the time (${field})`, good: trustDomain({ rotation: { root: { [field]: '1h' } } }), bad: trustDomain({ rotation: { root: { [field]: '59m' } } }), sentences: [`spec.rotation.root.${field}: Invalid value: "59m": ${sentence}`] },
    { name: `${field} in days`, good: trustDomain({ rotation: { root: { [field]: '720h' } } }), bad: trustDomain({ rotation: { root: { [field]: '30d' } } }), sentences: [`spec.rotation.root.${field}: Invalid value: "30d": ${whole(example)}`] },
  ]),
  {
    name: 'a root that is rotated as soon as it is made',
    good: trustDomain({ rotation: { root: { beforeRemaining: '8759h' } } }),
    bad: trustDomain({ rotation: { root: { beforeRemaining: '8760h' } } }),
    sentences: ['spec.rotation.root.beforeRemaining: Invalid value: it must be shorter than rootAuthority.lifetime, or a new root would be rotated as soon as it is made'],
  },
];

/** Cases of CARotation. */
export const rotationCases: readonly ManifestCase[] = [
  refused('trust domain with a scheme', {}, { trustDomain: 'spiffe://shop.example' }, 'spec.trustDomain: Invalid value: "spiffe://shop.example": write the name of a TrustDomain, such as shop.example: lower-case letters, digits, "-" and ".", without "spiffe://"'),
  refused('key identifier with colons', {}, { fromAuthority: '01:23:45:67' }, 'spec.fromAuthority: Invalid value: "01:23:45:67": write the key identifier as the status of the TrustDomain has it, in lower-case hexadecimal'),
  refused('distrust in days', { ...urgent, distrustAfter: '24h' }, { ...urgent, distrustAfter: '1d' }, `spec.distrustAfter: Invalid value: "1d": ${whole('15m')}`),
  refused('distrust after a fortnight', { ...urgent, distrustAfter: '168h' }, { ...urgent, distrustAfter: '336h' }, 'spec.distrustAfter: Invalid value: "336h": a stolen root is distrusted within 168h (a week); use a graceful rotation where there is more time'),
  refused('a pace beyond any API server', { pace: 10000 }, { pace: 10001 }, 'spec.pace: Invalid value: 10001: write 10000 a second or less'),
  refused('an emergency of an issuing authority', urgent, { ...urgent, what: 'Issuing' }, 'spec.mode: Invalid value: Emergency is for roots: consumers trust roots, so a stolen issuing key is distrusted only by replacing its root; write what: Root'),
  refused('an emergency that names another trust domain', urgent, { ...urgent, confirm: 'shop.exampl' }, 'spec.confirm: Invalid value: an emergency breaks whoever is late: write the name of the trust domain into confirm to say that you know'),
  refused('an emergency that is given up', urgent, { ...urgent, abort: true }, 'spec.abort: Invalid value: an emergency cannot be aborted, for it keeps no key of the old root; pause it to hold the distrust back'),
  refused('a graceful rotation with a time of distrust', { ...urgent, distrustAfter: '15m' }, { distrustAfter: '15m' }, 'spec.distrustAfter: Invalid value: only an emergency distrusts at a named time; a graceful rotation waits until nothing live needs the old root'),
  change('another trust domain', {}, { paused: true }, { trustDomain: 'bank.example' }, 'spec.trustDomain: Invalid value: "bank.example": a rotation is of one trust domain for good; make another CARotation'),
  change('another authority', {}, {}, { what: 'Issuing' }, 'spec.what: Invalid value: "Issuing": what is rotated cannot be changed; make another CARotation'),
  change('from another authority', {}, {}, { fromAuthority: 'fedcba9876543210' }, 'spec.fromAuthority: Invalid value: "fedcba9876543210": the authority that a rotation is from cannot be changed; make another CARotation'),
  change('from graceful to urgent', { mode: 'Graceful', confirm: urgent.confirm }, { confirm: urgent.confirm }, urgent, 'spec.mode: Invalid value: "Emergency": the mode cannot be changed; abort this rotation, or make another one'),
  change('a confirmation that is added', { mode: 'Graceful' }, {}, { confirm: urgent.confirm }, 'spec.confirm: Invalid value: the confirmation cannot be changed; make another CARotation'),
  change('a later distrust', { ...urgent, distrustAfter: '15m' }, { ...urgent, distrustAfter: '15m', paused: true }, { ...urgent, distrustAfter: '30m' }, 'spec.distrustAfter: Invalid value: the time of distrust cannot be changed; pause the rotation to hold it back'),
  change('other gates that wait for a person', { approvals: ['Canary'] }, { approvals: ['Canary'], approved: ['Canary'] }, { approvals: ['Written'] }, 'spec.approvals: Invalid value: which gates wait for a person cannot be changed; add to approved, or pause the rotation'),
  change('another pace', { pace: 10 }, { pace: 10, abort: true }, { pace: 20 }, 'spec.pace: Invalid value: the pace cannot be changed; pause the rotation to relieve the API server'),
  change('an abort that is taken back', { abort: true }, { abort: true, paused: true }, { abort: false }, 'spec.abort: Invalid value: an abort cannot be taken back; make another CARotation when this one has ended'),
];
