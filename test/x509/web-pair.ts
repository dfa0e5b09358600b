/** A certificate for `localhost` as an authority that outsiders trust gives it: no SVID of ours, and no root of ours above it. */
import { parseDnsName } from '../../src/spiffe/index.ts';
import { encodePem, type Certificate } from '../../src/x509/index.ts';
import { dayMs, issueLeaf, keyOf, leafFields, makeHierarchy } from './hierarchy.ts';

/** PEM. */
export interface WebPair {
  readonly key: string;
  /** Leaf, then its authority. */
  readonly cert: string;
  readonly roots: string;
}

const pem = (...certificates: readonly Certificate[]): string => certificates.map(({ der }) => encodePem('CERTIFICATE', der)).join('');

/** Valid for a day from now. @param keyName of the key: one that has it has the same */
export async function makeWebPair(keyName = 'server'): Promise<WebPair> {
  const nowMs = Date.now();
  const hierarchy = await makeHierarchy('ECDSAP256', nowMs - dayMs);
  const key = await keyOf('ECDSAP256', keyName);
  const leaf = issueLeaf(hierarchy, leafFields(key.publicKey, { dnsNames: [parseDnsName('localhost')], notBeforeMs: nowMs - dayMs / 2, notAfterMs: nowMs + dayMs }));
  return { key: key.privateKeyPem(), cert: pem(leaf, hierarchy.issuing), roots: pem(hierarchy.root) };
}
