/** The words of injection: what a pod says, and what it gets. The chart's policy says the same in CEL. */

/** The label of a pod that asks for its identity, and its values. */
export const injectLabel = 'mtlsd.io/inject';

/** Annotations of a pod (a label of the same name counts where there is no annotation) that differ from the defaults. */
export const settings = {
  /** Name of the WorkloadIdentity; default: the pod's service account. */
  identity: 'mtlsd.io/identity',
  /** Name of its Secret; default: `<identity>-mtls`. */
  secret: 'mtlsd.io/secret',
  /** Its trust domain; default: what the installation says. */
  trustDomain: 'mtlsd.io/trust-domain',
  /** Which environment variables are set. */
  environment: 'mtlsd.io/environment',
} as const;

/** The volume that a pod gets. */
export const volumeName = 'mtlsd';

/** Where every container sees it. */
export const mountPath = '/var/run/secrets/mtlsd';

/** Whom kubelet asks for pod certificates, and whose trust bundles are projected. */
export const signerName = 'mtlsd.io/x509-svid';

/** How an identity reaches a pod. */
export const deliveries = ['secret', 'pod-certificate'] as const;
export type Delivery = (typeof deliveries)[number];

/** Values of `injectLabel` that ask for something; `true` is what the installation prefers. */
export const injectValues = [...deliveries, 'true'] as const;

/** Which variables are set: mtlsd's own alone; also those that add roots; also those that can take the place of the system's. */
export const environmentChoices = ['minimal', 'additive', 'all'] as const;
export type EnvironmentChoice = (typeof environmentChoices)[number];

/** An environment variable of a container. */
export interface EnvironmentVariable {
  readonly name: string;
  readonly value: string;
}

const at = (file: string): string => `${mountPath}/${file}`;

/** Variables of our own: every delivery has these files. */
const always: readonly EnvironmentVariable[] = [
  { name: 'MTLSD_CERTIFICATE_FILE', value: at('tls.crt') },
  { name: 'MTLSD_KEY_FILE', value: at('tls.key') },
  { name: 'MTLSD_CA_FILE', value: at('ca.crt') },
  { name: 'MTLSD_CREDENTIAL_BUNDLE_FILE', value: at('credential-bundle.pem') },
];

/** What a Secret has and a pod certificate has not. */
const secretOnly: readonly EnvironmentVariable[] = [{ name: 'MTLSD_SPIFFE_BUNDLE_FILE', value: at('bundle.json') }];

/** Node adds these roots to its own, so nothing that worked stops working. */
const additive: readonly EnvironmentVariable[] = [{ name: 'NODE_EXTRA_CA_CERTS', value: at('ca.crt') }];

/** In many stacks and images these take the place of the system's roots: public servers would be trusted no more. */
const replacing: readonly EnvironmentVariable[] = ['SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'GRPC_DEFAULT_SSL_ROOTS_FILE_PATH'].map((name) => ({ name, value: at('ca.crt') }));

/** The variables that a container gets, in this order, unless it sets them itself. */
export function environmentOf(delivery: Delivery, trustDomain: string | undefined, choice: EnvironmentChoice): readonly EnvironmentVariable[] {
  return [
    ...always,
    ...(delivery === 'secret' ? secretOnly : []),
    ...(trustDomain === undefined ? [] : [{ name: 'MTLSD_TRUST_DOMAIN', value: trustDomain }]),
    ...(choice === 'minimal' ? [] : additive),
    ...(choice === 'all' ? replacing : []),
  ];
}
