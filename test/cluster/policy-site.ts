/** What the tests of the chart's admission policies share: one cluster, its users, and drafts of what they write. */
import type { ApiAnswer, ApiClient, Identity } from './chart-api.ts';
import { mtlsdUser } from './chart.ts';

/** A cluster with the chart, and what its tests ask of it. */
export interface PolicySite {
  api(): ApiClient;
  kubectl(args: readonly string[], stdin?: string): Promise<string>;
  /** Until a policy refuses, and with that sentence. */
  expectRefused(why: RegExp, ask: () => Promise<ApiAnswer>): Promise<void>;
  expectAdmitted(answer: Promise<ApiAnswer>): Promise<ApiAnswer>;
  /** Certificates of some authority, PEM. */
  roots(): Promise<string>;
}

/** Who asks. */
export const users = {
  mtlsd: { user: mtlsdUser },
  /** Has the role `admin` in namespace shop, and `edit` in mtlsd's own: everything but the cluster. */
  jane: { user: 'jane' },
  /** An administrator by role, not by system:masters. */
  root: { user: 'root' },
  /** Listed in restore.subjects, and may edit Secrets everywhere. */
  velero: { user: 'system:serviceaccount:velero:velero' },
} as const satisfies Readonly<Record<string, Identity>>;

/** Asks what would happen, and changes nothing. */
export const dry = '?dryRun=All';
/** Where the Secrets of a namespace are. */
export const secretsOf = (namespace: string): string => `/api/v1/namespaces/${namespace}/secrets`;
/** Labels of what mtlsd made. */
export const managed = { 'app.kubernetes.io/managed-by': 'mtlsd', 'mtlsd.io/trust-domain': 'shop.example' };
/** Labels of an authority record. */
export const recordLabels = { ...managed, 'mtlsd.io/authority-record': 'true' };

interface SecretOptions {
  readonly type?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A Secret as a request carries it: of mtlsd's own, unless its options say otherwise. */
export function secret(name: string, { type = 'kubernetes.io/tls', labels = managed, annotations = {} }: SecretOptions = {}) {
  const empty = Buffer.from('-').toString('base64');
  return { apiVersion: 'v1', kind: 'Secret', type, metadata: { name, labels, annotations }, data: { 'tls.crt': empty, 'tls.key': empty } };
}

/** What a change of the object is based on. */
export function metadataOf(answer: ApiAnswer): { uid: string; resourceVersion: string } {
  const { uid, resourceVersion } = (answer.body as { metadata: { uid: string; resourceVersion: string } }).metadata;
  return { uid, resourceVersion };
}
