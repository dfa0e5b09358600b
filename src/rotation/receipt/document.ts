/** What the format of a receipt is called; another number means other fields. */
export const receiptFormat = 'mtlsd.io/rotation-receipt/v1';

/** The entry beside the receipts of a trust domain with the public keys that verify them, the one in use first. */
export const publicKeysEntry = 'audit-keys.pem';

/** How a rotation ended. */
export type RotationOutcome = 'Completed' | 'Aborted';

/** What a fact rests on: it was seen, it follows from a bound on time, a person said so, or a person gave it up. */
export type EvidenceKind = 'observed' | 'bounded' | 'approved' | 'exempted';

/** The rotation itself. Times are RFC 3339, here and below. */
export interface ReceiptRotation {
  readonly name: string;
  readonly uid: string;
  readonly trustDomain: string;
  readonly what: 'Root' | 'Issuing';
  readonly mode: 'Graceful' | 'Emergency';
  readonly outcome: RotationOutcome;
  readonly startedAt: string;
  readonly endedAt: string;
  /** Name of the emergency that put an end to it. */
  readonly overtakenBy?: string;
  /** Names of the rotations that it put an end to, being an emergency. */
  readonly overtook?: readonly string[];
}

/** An authority that the rotation was about. */
export interface ReceiptAuthority {
  /** Subject key identifier, hexadecimal. */
  readonly keyIdentifier: string;
  /** SHA-256 over the certificate's DER, hexadecimal; absent when the certificate was gone before it was noted. */
  readonly certificateSha256?: string;
  readonly role: 'Root' | 'Issuing';
  /** `from`: it was to be replaced. `to`: it was to replace it. `other`: it was trusted meanwhile. */
  readonly part: 'from' | 'to' | 'other';
  /** Where it stood at the end: `Gone` is in no record any more, so its key is not either. */
  readonly state: 'Prepared' | 'Active' | 'Retiring' | 'Gone';
  readonly notAfter?: string;
}

/** A set of roots that was delivered. */
export interface ReceiptBundle {
  readonly generation: number;
  /** SHA-256 over the DER of the sorted roots, hexadecimal. */
  readonly sha256?: string;
  /** Key identifiers of the roots, when they are known. */
  readonly roots?: readonly string[];
}

/** A condition that was passed, or was not. */
export interface ReceiptGate {
  readonly name: string;
  readonly phase?: string;
  readonly state: string;
  readonly evidence: readonly EvidenceKind[];
  readonly done: number;
  readonly total: number;
  readonly since?: string;
  readonly passedAt?: string;
  /** Objects that held it up or were left behind, the first of them by name. */
  readonly stragglers?: readonly string[];
}

/** What an operator allowed to be left behind. */
export interface ReceiptExemption {
  readonly object: string;
  readonly reason: string;
  readonly until: string;
}

/** What a rotation came to: everything but the digests that `signReceipt` adds. */
export interface ReceiptDocument {
  readonly rotation: ReceiptRotation;
  readonly authorities: readonly ReceiptAuthority[];
  readonly bundles: readonly ReceiptBundle[];
  readonly phases: readonly { readonly phase: string; readonly startedAt: string }[];
  readonly gates: readonly ReceiptGate[];
  readonly counts: {
    readonly reissued: number;
    readonly targetsWritten: number;
    readonly stragglers: number;
    readonly exempted: number;
  };
  readonly exemptions: readonly ReceiptExemption[];
  readonly approvals: readonly string[];
}

/** Names in one list of a receipt: what is stored stays bounded, the counts say the rest. */
const namesMax = 50;
const listMax = 64;

/** The document with every list cut to its bound. The newest of what has an order in time stay. */
export function boundedDocument(document: ReceiptDocument): ReceiptDocument {
  return {
    ...document,
    authorities: document.authorities.slice(0, listMax),
    bundles: document.bundles.slice(-listMax),
    phases: document.phases.slice(-listMax),
    gates: document.gates.slice(0, listMax).map((gate) => (gate.stragglers === undefined ? gate : { ...gate, stragglers: gate.stragglers.slice(0, namesMax) })),
    exemptions: document.exemptions.slice(0, namesMax),
    approvals: document.approvals.slice(0, listMax),
  };
}
