// Generated from crds/carotations.mtlsd.io.yaml by `npm run generate`. Do not edit.

import type { Condition, StoredObject } from '../object.ts';

/** What is to be rotated. It cannot be changed, but for approved, paused, abort and exemptions. */
export interface CARotationSpec {
  /** Name of the TrustDomain. */
  readonly trustDomain: string;
  /**
   * Which authority is replaced: the root that consumers trust, or the issuing authority below it, which changes no
   * bundle.
   */
  readonly what: 'Root' | 'Issuing';
  /**
   * Key identifier of the authority that is active now, as the TrustDomain's status names it. A rotation from another
   * one is superseded and does nothing, so that a manifest which is applied again rotates nothing again. For an
   * emergency also the root that a rotation has replaced before it was asked for: then the one that signs stays.
   */
  readonly fromAuthority: string;
  /**
   * Graceful passes every gate and breaks nobody. Emergency is for a stolen key: it switches at once and distrusts the
   * old root at a named time, whoever is ready. Default: "Graceful".
   */
  readonly mode?: 'Graceful' | 'Emergency';
  /** For an emergency, the name of the trust domain once more, because it breaks whoever is late. */
  readonly confirm?: string;
  /** For an emergency, how long after the switch the old root is distrusted, such as 15m; 15m when it is left out. */
  readonly distrustAfter?: string;
  /** Gates that wait for a person, besides the evidence that they need. */
  readonly approvals?: readonly ('Written' | 'Delivered' | 'Loaded' | 'Fetched' | 'Canary' | 'Acknowledged' | 'Reissued' | 'Drained' | 'Withdrawn')[];
  /** Gates that a person has approved, of those that wait for one. */
  readonly approved?: readonly ('Written' | 'Delivered' | 'Loaded' | 'Fetched' | 'Canary' | 'Acknowledged' | 'Reissued' | 'Drained' | 'Withdrawn')[];
  /** How many identities are re-issued a second at most; 50 when it is left out. */
  readonly pace?: number;
  /** Objects that no gate waits for any more, because a person takes what follows. */
  readonly exemptions?: readonly {
    /** Kind of the object, as the gate names it. */
    readonly kind: 'Secret' | 'ConfigMap' | 'ClusterTrustBundle' | 'Pod' | 'Node' | 'Replica' | 'Reader';
    /** Namespace of the object; left out for what has none. */
    readonly namespace?: string;
    /** Name of the object. */
    readonly name: string;
    /** Why nobody need wait for it. The receipt keeps it. */
    readonly reason: string;
    /** When the exemption ends (RFC 3339). */
    readonly until: string;
  }[];
  /** No further step is taken while it is true. What was issued is renewed all the same. */
  readonly paused?: boolean;
  /**
   * Gives the rotation up: before the switch the new authority is dropped, after it the old root takes over again and
   * the rotation goes backwards. It cannot be taken back.
   */
  readonly abort?: boolean;
}

/**
 * Where the rotation stands, with the evidence. It is rebuilt from the authority record and from what is there whenever
 * it is lost; then gates only wait again.
 */
export interface CARotationStatus {
  /** Generation of the spec that this status speaks of. */
  readonly observedGeneration?: number;
  /** Where the rotation stands. Complete, Aborted and Superseded are ends. */
  readonly phase?: 'Preflight' | 'Prepare' | 'Distribute' | 'Confirm' | 'Canary' | 'Switch' | 'Reissue' | 'Drain' | 'Retire' | 'Complete' | 'Aborted' | 'Superseded';
  /** Back once it was aborted after the switch. */
  readonly direction?: 'Forward' | 'Back';
  /** The first gate that is not passed. */
  readonly gate?: string;
  /** How much of that gate is done, such as 40/1000. */
  readonly progress?: string;
  /** How many objects hold that gate up, exempted ones apart. */
  readonly stragglers?: number;
  /** Key identifier of the authority that is being replaced. */
  readonly fromAuthority?: string;
  /** Key identifier of the authority that replaces it. */
  readonly toAuthority?: string;
  /** Key identifier of the issuing authority that signs after the switch. */
  readonly toIssuer?: string;
  /** Generation of the bundle that every target has to carry. */
  readonly bundleGeneration?: number;
  /** The signer epoch that every replica has to acknowledge. */
  readonly signerEpoch?: number;
  /** The gates that this rotation passes, in their order. */
  readonly gates?: readonly {
    /** What the gate waits for. */
    readonly name: 'Written' | 'Delivered' | 'Loaded' | 'Fetched' | 'Canary' | 'Acknowledged' | 'Reissued' | 'Drained' | 'Withdrawn';
    /** The phase that it belongs to. */
    readonly phase: string;
    /** Pending is not reached yet, Waiting holds the rotation, Passed has let it through. */
    readonly state: 'Pending' | 'Waiting' | 'Passed';
    /**
     * What it rests on: observed, bounded (it follows from a bound on time), approved by a person, or exempted by one.
     */
    readonly evidence?: readonly ('observed' | 'bounded' | 'approved' | 'exempted')[];
    /** How many objects have passed it. */
    readonly done: number;
    /** How many objects it is about. */
    readonly total: number;
    /** How many objects it does not wait for, because a person exempted them. */
    readonly exempted?: number;
    /** When it came into this state. */
    readonly since?: string;
    /** When time alone lets it through, where it waits on time. */
    readonly until?: string;
    /** What it waits for, or what let it through, for people. */
    readonly message?: string;
    /** Objects that hold it up, the first 20 by name. */
    readonly stragglers?: readonly {
      /** Kind of the object. */
      readonly kind: string;
      /** Namespace of the object. */
      readonly namespace?: string;
      /** Name of the object. */
      readonly name: string;
      /** What is missing, and what to do. */
      readonly reason: string;
    }[];
    /** How many objects hold it up, exempted ones apart. */
    readonly stragglerCount?: number;
  }[];
  /** When each phase began, in order; one that was entered again stands again. */
  readonly phases?: readonly {
    /** The phase. */
    readonly phase: string;
    /** When it began. */
    readonly startedAt: string;
  }[];
  /** Identities that have a leaf of the new authority. */
  readonly reissued?: number;
  /** Identities that still have a leaf of the old authority. */
  readonly remaining?: number;
  /** When the first step was taken. */
  readonly startedAt?: string;
  /** When the new authority took over. */
  readonly switchedAt?: string;
  /** The signer epoch that began then; of another one nothing in this status counts any more. */
  readonly switchEpoch?: number;
  /** For an emergency, when the old root leaves the bundle. */
  readonly distrustAt?: string;
  /** Since when nobody holds a leaf of the old authority any more. */
  readonly drainedAt?: string;
  /** When the old authority left the record, and its key with it. */
  readonly retiredAt?: string;
  /** When the rotation came to its end. */
  readonly finishedAt?: string;
  /** When time alone brings the next step. */
  readonly nextTime?: string;
  /** The signed receipt of a rotation that has ended. */
  readonly receipt?: {
    /** Name of the ConfigMap in mtlsd's own namespace. */
    readonly configMap: string;
    /** The receipt's key in it. */
    readonly key: string;
    /** SHA-256 over the receipt, in hexadecimal. */
    readonly sha256?: string;
  };
  /**
   * Progressing says whether the rotation goes on, and if not, what it waits for. Complete says whether it has ended
   * well.
   */
  readonly conditions?: readonly Condition[];
}

/**
 * The rotation of one authority of a trust domain: another root, or another issuing authority, takes its place. Each
 * step waits at gates until there is evidence that it is safe; status tells which.
 */
export interface CARotation extends StoredObject {
  readonly apiVersion: 'mtlsd.io/v1alpha1';
  readonly kind: 'CARotation';
  readonly spec: CARotationSpec;
  readonly status?: CARotationStatus;
}
