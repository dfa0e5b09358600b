import fc from 'fast-check';

/**
 * Pods as people write them, with everything that injection looks at: sound and wrong labels, variables and mounts that are
 * there already, users and groups in all places. All are pods that an API server takes, were it not for injection.
 */
const settings = fc.record(
  {
    'mtlsd.io/identity': fc.constantFrom('cart', 'a.b-c', 'Cart', '-', 'x'.repeat(248), 'x'.repeat(249)),
    'mtlsd.io/secret': fc.constantFrom('cart-tls', 'tls', 'UPPER', 'x'.repeat(253), ''),
    'mtlsd.io/trust-domain': fc.constantFrom('shop.example', 'other.example', 'Shop', '', 'a'.repeat(63), 'a'.repeat(64)),
    'mtlsd.io/environment': fc.constantFrom('minimal', 'additive', 'all', 'some', 'é'.repeat(90)),
  },
  { requiredKeys: [] },
);

/** Values that labels may have: the API server refuses others before any policy sees them. */
const labelSettings = fc.record({ 'mtlsd.io/identity': fc.constantFrom('cart', 'Cart'), 'mtlsd.io/secret': fc.constant('by-label') }, { requiredKeys: [] });

const label = fc.oneof({ weight: 8, arbitrary: fc.constantFrom('secret', 'pod-certificate', 'true') }, { weight: 1, arbitrary: fc.constantFrom('false', 'yes', '') });

const variables = fc.uniqueArray(fc.constantFrom('MODE', 'MTLSD_KEY_FILE', 'MTLSD_TRUST_DOMAIN', 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE'), { maxLength: 4 }).map((names) => names.map((name) => ({ name, value: 'mine' })));

const mounts = fc.constantFrom(
  undefined,
  [],
  [{ name: 'own', mountPath: '/data' }],
  [{ name: 'own', mountPath: '/var/run/secrets/mtlsd' }],
  [{ name: 'own', mountPath: '/var/run/secrets/mtlsd/' }],
  [{ name: 'mtlsd', mountPath: '/var/run/secrets/mtlsd', readOnly: true }],
  [{ name: 'mtlsd', mountPath: '/tls' }],
);

const user = fc.record({ runAsUser: fc.constantFrom(0, 1000, 2000), runAsGroup: fc.constantFrom(0, 3000) }, { requiredKeys: [] });

const container = fc.record({ image: fc.constant('x'), env: fc.option(variables, { nil: undefined }), volumeMounts: mounts, securityContext: fc.option(user, { nil: undefined }) });

const podSecurity = fc.record(
  { fsGroup: fc.constantFrom(0, 4000), runAsUser: fc.constantFrom(0, 1000), runAsGroup: fc.constantFrom(0, 3000), supplementalGroups: fc.constantFrom([], [0], [5000, 0], [5000]) },
  { requiredKeys: [] },
);

const ownVolume = fc.oneof(
  { weight: 6, arbitrary: fc.constant(undefined) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      { emptyDir: {} },
      { secret: { secretName: 'mine' } },
      { projected: { sources: [{ secret: { name: 'mine' } }] } },
      { projected: { sources: [{ podCertificate: { signerName: 'mtlsd.io/x509-svid', keyType: 'ED25519', credentialBundlePath: 'both.pem' } }] } },
      { projected: { sources: [{ podCertificate: { signerName: 'elsewhere.example/signer', keyType: 'ED25519', credentialBundlePath: 'both.pem' } }] } },
    ),
  },
);

const named = (prefix: string, containers: readonly object[]): object[] => containers.map((each, index) => ({ ...each, name: `${prefix}${index}` }));

/** A pod manifest in namespace shop, where the service accounts cart and default exist. */
export const arbitraryPod = fc
  .record({
    label,
    annotations: fc.oneof({ weight: 1, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: settings }),
    labels: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: labelSettings }),
    account: fc.constantFrom(undefined, '', 'cart', 'default'),
    containers: fc.array(container, { minLength: 1, maxLength: 3 }),
    initContainers: fc.option(fc.array(container, { maxLength: 2 }), { nil: undefined }),
    securityContext: fc.option(podSecurity, { nil: undefined }),
    ownVolume,
    windows: fc.oneof({ weight: 20, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  })
  .map((drawn) => {
    const own = drawn.ownVolume === undefined ? [] : [{ name: 'mtlsd', ...drawn.ownVolume }];
    // Windows knows no such users and groups.
    const linux = <T extends { securityContext?: unknown }>(value: T): T => (drawn.windows ? { ...value, securityContext: undefined } : value);
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'drawn', namespace: 'shop', labels: { ...drawn.labels, 'mtlsd.io/inject': drawn.label }, annotations: drawn.annotations },
      spec: linux({
        serviceAccountName: drawn.account,
        automountServiceAccountToken: false,
        securityContext: drawn.securityContext,
        ...(drawn.windows ? { os: { name: 'windows' } } : {}),
        volumes: [{ name: 'own', emptyDir: {} }, ...own],
        containers: named('c', drawn.containers.map(linux)),
        ...(drawn.initContainers === undefined ? {} : { initContainers: named('i', drawn.initContainers.map(linux)) }),
      }),
    };
  });
