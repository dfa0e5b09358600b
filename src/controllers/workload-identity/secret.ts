import { hash } from 'node:crypto';
import type { Grant, IssuedSvid } from '../../issuance/index.ts';
import { annotations, labels, managedByMtlsd, type Draft, type ObjectMeta, type ResolvedIdentitySpec, type Secret, type WorkloadIdentity } from '../../resources/index.ts';
import type { SecretMetadata } from '../../store/port.ts';
import type { RenderedBundle } from '../domains.ts';
import type { FederatedFile } from '../federation/federation.ts';
import { tokensAnnotation, tokensAnnotationOf, type TokenFiles } from '../jwt/delivery.ts';
import { federatedAnnotation, federatedFiles, federatedFilesAnnotation } from './federated.ts';
import type { RenderedFormats } from './format-writer.ts';
import { encodeFormats, formatsAnnotation } from './formats.ts';

/** The X.509-SVID in a Secret, as its annotations describe it. Times in milliseconds since the epoch. */
export interface DeliveredSvid {
  readonly spiffeId: string;
  readonly serialNumber: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly issuer: string;
  readonly bundleGeneration: number;
  readonly issuances: number;
  /** What it was issued for: see `profileOf`. */
  readonly profile: string;
}

/** Annotation that names what a pair was issued for, so that an edit re-issues exactly once (L23). */
const profileAnnotation = 'mtlsd.io/profile';
/** Annotation that says where we wrote the Secret: a copy under another name or in another namespace is not ours. */
const placeAnnotation = 'mtlsd.io/written-as';
/** Annotation that lists the template's own labels and annotations, so that removed ones go and foreign ones stay. */
const templateAnnotation = 'mtlsd.io/secret-template';

/**
 * The name of the identity that we wrote this Secret for, in the same namespace; undefined when it is not one that we wrote
 * here: without our marks, an authority record, or a copy that somebody made. Such a one is never touched.
 */
export function ownerOf(secret: SecretMetadata): string | undefined {
  const { annotations: found = {}, labels: marks = {}, namespace = '', name } = secret.metadata;
  const isHere = marks[labels.managedBy] === managedByMtlsd && found[placeAnnotation] === `${namespace}/${name}`;
  return isHere ? found[annotations.identity] : undefined;
}

/** A short digest of everything that decides what the leaf says. The order of DNS names counts: SANs are exact. */
export function profileOf(grant: Grant, identity: ResolvedIdentitySpec): string {
  const facts = [grant.spiffeId.toString(), grant.dnsNames, grant.commonName ?? '', grant.ttlMs, identity.keyAlgorithm];
  return hash('sha256', JSON.stringify(facts)).slice(0, 32);
}

/** What the annotations of one of our Secrets say, or undefined when they do not describe an SVID. */
export function deliveredSvid(secret: SecretMetadata): DeliveredSvid | undefined {
  const found = secret.metadata.annotations ?? {};
  const notBeforeMs = Date.parse(found[annotations.notBefore] ?? '');
  const notAfterMs = Date.parse(found[annotations.notAfter] ?? '');
  const [spiffeId, serialNumber, issuer] = [found[annotations.spiffeId], found[annotations.serialNumber], found[annotations.issuer]];
  if (Number.isNaN(notBeforeMs) || Number.isNaN(notAfterMs)) return undefined;
  if (spiffeId === undefined || serialNumber === undefined || issuer === undefined) return undefined;
  return {
    spiffeId,
    serialNumber,
    notBeforeMs,
    notAfterMs,
    issuer,
    bundleGeneration: Number(found[annotations.bundleGeneration] ?? 0),
    issuances: Number(found[annotations.issuances] ?? 0),
    profile: found[profileAnnotation] ?? '',
  };
}

/** The files that every Secret has: they follow from pair and bundle alone. Values are text, not base64. */
export function secretFiles(chainPem: string, privateKeyPem: string, bundle: Pick<RenderedBundle, 'caPem' | 'json'>): Record<string, string> {
  return {
    'tls.crt': chainPem,
    'tls.key': privateKeyPem,
    'ca.crt': bundle.caPem,
    // Key first, then chain: one file, one atomic read.
    'credential-bundle.pem': privateKeyPem + chainPem,
    'bundle.json': bundle.json,
  };
}

/** What a Secret is made of, besides the metadata that is already there. */
export interface SecretContent {
  readonly identity: WorkloadIdentity;
  readonly resolved: ResolvedIdentitySpec;
  readonly trustDomain: string;
  readonly svid: Pick<IssuedSvid, 'spiffeId' | 'serialNumber' | 'notBeforeMs' | 'notAfterMs' | 'issuer' | 'chainPem'>;
  readonly privateKeyPem: string;
  readonly bundle: RenderedBundle;
  readonly formats: RenderedFormats;
  readonly federated: readonly FederatedFile[];
  /** Undefined: none. */
  readonly tokens: TokenFiles | undefined;
  readonly profile: string;
  readonly issuances: number;
}

/** The whole Secret, to be written in one request. `existing` is what it replaces: what others put into its metadata stays. */
export function renderSecret(content: SecretContent, existing: Existing | undefined): Draft<Secret> & { readonly kind: 'Secret' } {
  const { identity, resolved } = content;
  const files = { ...secretFiles(content.svid.chainPem, content.privateKeyPem, content.bundle), ...federatedFiles(content.federated), ...content.tokens?.files };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: {
      name: resolved.secretName,
      ...(identity.metadata.namespace === undefined ? {} : { namespace: identity.metadata.namespace }),
      ...renderMetadata(content, existing),
      ...bondsOf(existing),
    },
    data: {
      ...Object.fromEntries(Object.entries(files).map(([name, text]) => [name, Buffer.from(text, 'utf8').toString('base64')])),
      ...content.formats.data,
    },
  };
}

type Existing = Pick<ObjectMeta, 'labels' | 'annotations' | 'finalizers' | 'ownerReferences'>;

/** What holds an object, or takes it along, for others: a replacement without it would take it off. */
export function bondsOf(existing: Pick<ObjectMeta, 'finalizers' | 'ownerReferences'> | undefined): Pick<ObjectMeta, 'finalizers' | 'ownerReferences'> {
  const { finalizers, ownerReferences } = existing ?? {};
  return { ...(finalizers === undefined ? {} : { finalizers }), ...(ownerReferences === undefined ? {} : { ownerReferences }) };
}

function renderMetadata(content: SecretContent, existing: Existing | undefined) {
  const foreign = withoutTemplate(existing);
  for (const ours of [formatsAnnotation, federatedFilesAnnotation, tokensAnnotation]) delete foreign.annotations[ours];
  const formats = encodeFormats(content.formats.delivered);
  return {
    labels: {
      ...foreign.labels,
      ...wantedLabels(content.identity, content.resolved, content.trustDomain),
    },
    annotations: {
      ...foreign.annotations,
      ...wantedAnnotations(content.identity, content.resolved),
      [annotations.spiffeId]: content.svid.spiffeId,
      [annotations.serialNumber]: content.svid.serialNumber,
      [annotations.notBefore]: new Date(content.svid.notBeforeMs).toISOString(),
      [annotations.notAfter]: new Date(content.svid.notAfterMs).toISOString(),
      [annotations.issuer]: content.svid.issuer,
      [annotations.bundleGeneration]: String(content.bundle.generation),
      [annotations.issuances]: String(content.issuances),
      [profileAnnotation]: content.profile,
      ...(formats === undefined ? {} : { [formatsAnnotation]: formats }),
      ...federatedAnnotation(content.federated),
      ...tokensAnnotationOf(content.tokens),
    },
  };
}

function wantedLabels(identity: WorkloadIdentity, resolved: ResolvedIdentitySpec, trustDomain: string): Record<string, string> {
  return {
    ...resolved.secretLabels,
    [labels.managedBy]: managedByMtlsd,
    [labels.trustDomain]: trustDomain,
    [labels.identityUid]: identity.metadata.uid,
  };
}

/** The annotations that follow from the object alone, not from the SVID: when one differs, the Secret is written again. */
function wantedAnnotations(identity: WorkloadIdentity, resolved: ResolvedIdentitySpec): Record<string, string> {
  const keys = { labels: Object.keys(resolved.secretLabels).sort(), annotations: Object.keys(resolved.secretAnnotations).sort() };
  return {
    ...resolved.secretAnnotations,
    [templateAnnotation]: JSON.stringify(keys),
    [annotations.identity]: identity.metadata.name,
    [placeAnnotation]: `${identity.metadata.namespace ?? ''}/${resolved.secretName}`,
    [annotations.deletionPolicy]: resolved.deletionPolicy,
  };
}

/** Whether labels and annotations say what the object asks for. */
export function metadataIsCurrent(secret: SecretMetadata, identity: WorkloadIdentity, resolved: ResolvedIdentitySpec, trustDomain: string): boolean {
  return contains(secret.metadata.labels, wantedLabels(identity, resolved, trustDomain)) && contains(secret.metadata.annotations, wantedAnnotations(identity, resolved));
}

function contains(actual: Readonly<Record<string, string>> | undefined, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([key, value]) => actual?.[key] === value);
}

function withoutTemplate(existing: Existing | undefined): { labels: Record<string, string>; annotations: Record<string, string> } {
  const kept = { labels: { ...existing?.labels }, annotations: { ...existing?.annotations } };
  const applied = appliedTemplate(existing?.annotations?.[templateAnnotation]);
  for (const key of applied.labels) delete kept.labels[key];
  for (const key of applied.annotations) delete kept.annotations[key];
  return kept;
}

function appliedTemplate(text: string | undefined): { labels: readonly string[]; annotations: readonly string[] } {
  try {
    const { labels, annotations } = JSON.parse(text ?? '{}') as { labels?: unknown; annotations?: unknown };
    return { labels: strings(labels), annotations: strings(annotations) };
  } catch {
    return { labels: [], annotations: [] }; // edited by somebody: nothing is known to be ours, so nothing is removed
  }
}

function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
