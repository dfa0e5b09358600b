import type { Condition } from '../resources/index.ts';

/** An identity as it is shown. Times are RFC 3339; what is not known yet is left out. */
export interface IdentityView {
  readonly kind: 'WorkloadIdentity' | 'ExternalIdentity';
  /** Of a WorkloadIdentity. */
  readonly namespace?: string;
  /** Of a WorkloadIdentity; of an ExternalIdentity, the entry of the configuration that takes the tokens of its holder. */
  readonly name: string;
  readonly serviceAccount?: string;
  readonly trustDomain?: string | undefined;
  readonly spiffeId?: string | undefined;
  readonly serialNumber?: string | undefined;
  readonly notBefore?: string | undefined;
  readonly notAfter?: string | undefined;
  readonly renewalTime?: string | undefined;
  /** Key identifier of the issuing authority. */
  readonly issuer?: string | undefined;
  readonly bundleGeneration?: number | undefined;
  readonly conditions?: readonly Condition[];
}

/** One authority of a trust domain as it is shown. */
export interface AuthorityView {
  readonly trustDomain: string;
  /** Hexadecimal. */
  readonly keyIdentifier: string;
  readonly role: string;
  readonly state: string;
  readonly notBefore: string;
  readonly notAfter: string;
}

/** A rotation of an authority as it is shown: where it stands, and whom it waits for by number alone. */
export interface RotationView {
  readonly name: string;
  readonly trustDomain: string;
  readonly what: string;
  readonly mode: string;
  readonly ended: boolean;
  readonly direction: string;
  readonly phase?: string | undefined;
  readonly gate?: string | undefined;
  readonly progress?: string | undefined;
  readonly stragglers: number;
  readonly startedAt?: string | undefined;
  readonly finishedAt?: string | undefined;
  readonly nextTime?: string | undefined;
}

const text = (description: string) => ({ type: 'string', description }) as const;
const time = (description: string) => ({ type: 'string', format: 'date-time', description }) as const;

const condition = {
  type: 'object',
  required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
  properties: { type: { type: 'string' }, status: { type: 'string', enum: ['True', 'False', 'Unknown'] }, reason: { type: 'string' }, message: { type: 'string' }, lastTransitionTime: { type: 'string' } },
} as const;

/** See `IdentityView`. */
export const identitySchema = {
  type: 'object',
  required: ['kind', 'name'],
  properties: {
    kind: { type: 'string', enum: ['WorkloadIdentity', 'ExternalIdentity'] },
    namespace: text('of a WorkloadIdentity'),
    name: text('of an ExternalIdentity: the entry of the configuration that takes the tokens of its holder'),
    serviceAccount: text('which service account it is for'),
    trustDomain: { type: 'string' },
    spiffeId: { type: 'string' },
    serialNumber: text('of the certificate that mtlsd delivered last, hexadecimal'),
    notBefore: time('of that certificate'),
    notAfter: time('of that certificate'),
    renewalTime: time('when it will be renewed'),
    issuer: text('key identifier of the issuing authority'),
    bundleGeneration: { type: 'integer', description: 'of the bundle that was delivered with it' },
    conditions: { type: 'array', items: condition },
  },
} as const;

/** See `AuthorityView`. */
export const authoritySchema = {
  type: 'object',
  required: ['trustDomain', 'keyIdentifier', 'role', 'state', 'notBefore', 'notAfter'],
  properties: {
    trustDomain: { type: 'string' },
    keyIdentifier: text('of its certificate, hexadecimal'),
    role: { type: 'string', enum: ['Root', 'Issuing'] },
    state: { type: 'string', enum: ['Prepared', 'Active', 'Retiring'] },
    notBefore: time('start of its validity'),
    notAfter: time('end of its validity'),
  },
} as const;

/** See `RotationView`. */
export const rotationSchema = {
  type: 'object',
  required: ['name', 'trustDomain', 'what', 'mode', 'ended', 'direction', 'stragglers'],
  properties: {
    name: { type: 'string' },
    trustDomain: { type: 'string' },
    what: { type: 'string', enum: ['Root', 'Issuing'] },
    mode: { type: 'string', enum: ['Graceful', 'Emergency'] },
    ended: { type: 'boolean' },
    direction: { type: 'string', enum: ['Forward', 'Back'] },
    phase: text('where it stands'),
    gate: text('the first gate that is not passed'),
    progress: text('how much of that gate is done, such as 40/1000'),
    stragglers: { type: 'integer', description: 'how many objects hold that gate up' },
    startedAt: time('when its first step was taken'),
    finishedAt: time('when it came to its end'),
    nextTime: time('when time alone brings the next step'),
  },
} as const;
