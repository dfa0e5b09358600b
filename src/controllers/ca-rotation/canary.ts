import { activeAuthority, type Authority, type AuthorityRecord } from '../../authority/index.ts';
import { isMtlsdError } from '../../errors/index.ts';
import { decide, Issuer, type Grant, type IssuancePolicy } from '../../issuance/index.ts';
import type { RotationExemption } from '../../resources/index.ts';
import { isExempted, type CanaryResult } from '../../rotation/ca/index.ts';
import { SerialNumbers } from '../../x509/index.ts';
import { clusterTrustBundleName, configMapName } from '../bundle/target.ts';
import type { ControllerContext } from '../context.ts';
import { ownerOf } from '../workload-identity/secret.ts';
import type { RotationCaches } from './caches.ts';
import { loopbackHandshake, type Peer } from './handshake.ts';

/** Of so many Secrets the bundle is read back. */
const samplesMax = 3;
/** The service account that a canary's SPIFFE ID names; its certificates never leave the process. */
const canaryAccount = 'mtlsd-canary';

/**
 * Sends a canary: a leaf of the new authority shakes hands, as a server and as a client, with a leaf of the authority that
 * signs now and with another of its own, each side trusting what was read back from where bundles are delivered.
 * What a person exempted is left behind, and asked for nothing.
 * @param name the issuing authority whose leaf it is; the one that signs now after the switch
 * @throws STORE_… when nothing could be read back; ISSUANCE_… when this replica may not sign: nothing was found out then
 */
export async function sendCanary(context: ControllerContext, caches: RotationCaches, record: AuthorityRecord, policy: IssuancePolicy, name: string, exemptions: readonly RotationExemption[]): Promise<CanaryResult> {
  const nowMs = context.clock.nowMs();
  const handshake = context.handshake ?? loopbackHandshake;
  const next = record.authorities.find(({ keyIdentifier }) => keyIdentifier === name);
  if (next === undefined) throw new Error('invariant broken: a canary of an authority that is not in the record');
  const grant = canaryGrant(context, policy);
  const current = activeAuthority(record, 'Issuing');
  const canary = await leafOf(next, record, grant, context);
  const others = [await leafOf(next, record, grant, context), ...(current === next ? [] : [await leafOf(current, record, grant, context)])];
  const bundles = await deliveredBundles(context, caches, record, (object) => isExempted(object, exemptions, nowMs));
  const result = (failed: string | undefined): CanaryResult => ({ authority: name, atMs: nowMs, failed });
  for (const { caPem, where } of bundles) {
    for (const other of others) {
      const sides: readonly (readonly [Peer, Peer])[] = [[{ ...canary, caPem }, { ...other, caPem }], [{ ...other, caPem }, { ...canary, caPem }]];
      for (const [server, client] of sides) {
        const failed = await handshake(server, client);
        if (failed !== undefined) return result(`with the bundle of ${where}, ${failed}`);
      }
    }
  }
  return result(undefined);
}

function canaryGrant({ systemNamespace }: ControllerContext, policy: IssuancePolicy): Grant {
  const decision = decide({ namespace: systemNamespace, serviceAccountName: canaryAccount, dnsNames: [], commonName: undefined, ttlMs: undefined }, policy);
  if (!decision.granted) throw new Error(`invariant broken: no canary is granted: ${decision.denials.map(({ message }) => message).join('; ')}`);
  return decision.grant;
}

/** A leaf for a handshake in this process. What is only prepared signs nothing but this, and only where we may sign at all. */
async function leafOf(authority: Authority, record: AuthorityRecord, grant: Grant, { clock, tools, lease }: ControllerContext): Promise<Omit<Peer, 'caPem'>> {
  const issuer = await Issuer.open({ ...authority, state: 'Active' }, record.signerEpoch);
  const keyPair = await tools.generateKeyPair('ECDSAP256');
  const serialNumber = new SerialNumbers((length) => tools.randomBytes(length)).next();
  const { chainPem } = issuer.issue(grant, keyPair.publicKey, serialNumber, lease, clock.nowMs());
  return { chainPem, privateKeyPem: keyPair.privateKeyPem() };
}

/** The bundle as consumers find it, each that differs once, with where it was found. */
async function deliveredBundles({ store }: ControllerContext, { secrets, bundles }: RotationCaches, record: AuthorityRecord, isLeft: (object: Parameters<typeof isExempted>[0]) => boolean): Promise<readonly { readonly caPem: string; readonly where: string }[]> {
  const found = new Map<string, string>();
  const note = (caPem: string | undefined, where: string): void => {
    if (caPem !== undefined && !found.has(caPem)) found.set(caPem, where);
  };
  const ours = secrets.byIndex('trustDomain', record.trustDomain).filter((secret) => ownerOf(secret) !== undefined && !isLeft({ kind: 'Secret', namespace: secret.metadata.namespace, name: secret.metadata.name }));
  for (const { metadata: { namespace = '', name } } of spread(ours, samplesMax)) note(await bundleIn(store, namespace, name), `Secret ${namespace}/${name}`);
  for (const { metadata: { namespace = '', name }, data } of bundles?.configMaps?.values() ?? []) {
    if (name === configMapName(record.trustDomain) && !isLeft({ kind: 'ConfigMap', namespace, name })) note(data['ca.crt'], `ConfigMap ${namespace}/${name}`);
  }
  const name = clusterTrustBundleName(record.trustDomain);
  if (!isLeft({ kind: 'ClusterTrustBundle', name })) note(bundles?.clusterTrustBundles?.get(undefined, name)?.spec.trustBundle, 'the ClusterTrustBundle');
  if (found.size === 0) note(record.authorities.filter(({ role }) => role === 'Root').map(({ certificatePem }) => certificatePem).join(''), 'the record');
  return [...found].map(([caPem, where]) => ({ caPem, where }));
}

async function bundleIn(store: ControllerContext['store'], namespace: string, name: string): Promise<string | undefined> {
  try {
    const secret = await store.get({ kind: 'Secret', namespace, name });
    const text = secret?.data['ca.crt'];
    return text === undefined ? undefined : Buffer.from(text, 'base64').toString('utf8');
  } catch (error) {
    if (!isMtlsdError(error, 'STORE_FORBIDDEN')) throw error;
    return undefined; // what may not be read is read by nobody for us
  }
}

/** A few of many, spread over all of them. */
function spread<T>(items: readonly T[], count: number): readonly T[] {
  if (items.length <= count) return items;
  return Array.from({ length: count }, (_, index) => items[Math.floor((index * (items.length - 1)) / (count - 1))] as T);
}
