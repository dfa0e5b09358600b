import { annotations, labels } from '../../resources/index.ts';
import type { WantedIdentity } from './match.ts';

/** What a pod's author may say to this signer (`userAnnotations` of the projection): which of its identities the pod gets. */
const known = { identity: annotations.identity, trustDomain: labels.trustDomain } as const;

/** The keys, for messages. */
export const knownUserAnnotations: readonly string[] = Object.values(known);

/** Keys that mtlsd does not know. A signer is to refuse them: they may ask for something that would not be done. */
export function unknownUserAnnotations(said: Readonly<Record<string, string>> = {}): readonly string[] {
  return Object.keys(said).filter((key) => !knownUserAnnotations.includes(key)).toSorted();
}

/** What they ask for. An empty value asks for nothing. */
export function wantedIdentity(said: Readonly<Record<string, string>> = {}): WantedIdentity {
  return { identity: said[known.identity] || undefined, trustDomain: said[known.trustDomain] || undefined };
}
