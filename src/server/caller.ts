/** A service account of the cluster, by a token that the API server has judged. */
export interface ServiceAccountCaller {
  readonly kind: 'service-account';
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** Somebody whom another issuer vouches for. */
export interface ExternalCaller {
  readonly kind: 'external';
  /** The name of the entry in the API's configuration that takes its tokens. */
  readonly entry: string;
  readonly trustDomain: string;
  /** The claims that name it, one a path segment: `['acme', '1234']`. */
  readonly segments: readonly string[];
  /** `iss` and `sub` of its token, for the audit log, which keeps a keyed hash of it. */
  readonly subject: string;
}

/** Who asks. */
export type Caller = ServiceAccountCaller | ExternalCaller;

/** The object that a request touches. */
export type TouchedObject =
  /** A WorkloadIdentity; without a name, whichever its caller has. */
  | { readonly kind: 'WorkloadIdentity'; readonly namespace: string; readonly name: string | undefined }
  /** The identity below `/ext/` of what an entry of the configuration maps claims to. */
  | { readonly kind: 'ExternalIdentity'; readonly entry: string };

/** One text for each caller: what limits are kept by, and how the log names it. No person can be read from it. */
export function callerKey(caller: Caller): string {
  if (caller.kind === 'service-account') return `system:serviceaccount:${caller.namespace}:${caller.name}`;
  return `ext:${caller.entry}:${caller.segments.join('/')}`;
}

/**
 * Whether an object is one that its caller may touch: identities of its own namespace, or of the entry that takes its tokens.
 * Which of the identities of its namespace are granted to it is for whoever grants them.
 */
export function mayTouch(caller: Caller, object: TouchedObject): boolean {
  if (object.kind === 'WorkloadIdentity') return caller.kind === 'service-account' && caller.namespace === object.namespace;
  return caller.kind === 'external' && caller.entry === object.entry;
}
