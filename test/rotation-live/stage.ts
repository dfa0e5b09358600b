/** Where rotations under load are played: on the folders of `mtlsd run`, or on an API server. */
import type { CARotationSpec, CARotationStatus } from '../../src/resources/index.ts';
import type { Source } from './fleet.ts';
import type { KilledProcess } from './killed-process.ts';

/** What people have to do with rotations. */
export interface Rotations {
  /** Key identifiers of the roots in the authority record, the active one first. */
  roots(trustDomain: string): Promise<readonly string[]>;
  /** Asks for a rotation, or changes one that was asked for. */
  request(name: string, spec: CARotationSpec): Promise<void>;
  status(name: string): Promise<CARotationStatus | undefined>;
}

/** A namespace `live`, mtlsd as one process, and what people do there. `await using` ends all of it. */
export interface Stage extends Rotations, AsyncDisposable {
  readonly daemon: KilledProcess;
  /** A folder for what kubelets bring. */
  readonly delivered: string;
  /** Makes a trust domain and an identity for each name, and resolves when all of them are issued. */
  issue(trustDomain: string, spec: object, names: readonly string[]): Promise<void>;
  /** Where kubelets find these identities. */
  source(names: readonly string[]): Source;
  /**
   * From now on the daemon is killed in the moment in which the authority record of a trust domain changes: what should
   * follow the record (bundles, leaves, status) has not been written then.
   */
  killWhenRecordChanges(trustDomain: string): Promise<void>;
}

/** The roots in a record, the active one first. @param text the file record.json */
export function rootsIn(text: string): readonly string[] {
  const { authorities } = JSON.parse(text) as { readonly authorities: readonly { readonly keyIdentifier: string; readonly role: string; readonly state: string }[] };
  const roots = authorities.filter(({ role }) => role === 'Root');
  return [...roots.filter(({ state }) => state === 'Active'), ...roots.filter(({ state }) => state !== 'Active')].map(({ keyIdentifier }) => keyIdentifier);
}
