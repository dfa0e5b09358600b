import { InvalidArgumentError } from 'commander';
import type { RotationDraft } from '../../app/rotation/site.ts';
import type { Sight } from '../../app/overview/sight.ts';
import { stolenRoot } from '../../app/rotation/stolen-root.ts';
import { MtlsdError } from '../../errors/index.ts';
import { parseDuration, type CARotationSpec, type RotationGate } from '../../resources/index.ts';

/** An object that nobody shall wait for, as `--exempt KIND/NAMESPACE/NAME` names it. */
export type ExemptObject = Omit<NonNullable<CARotationSpec['exemptions']>[number], 'reason' | 'until'>;

/** What was asked for on the command line. */
export interface RotationWish {
  readonly trustDomain?: string;
  readonly what: 'Root' | 'Issuing';
  readonly name?: string;
  readonly approve?: readonly RotationGate[];
  readonly pace?: number;
  readonly exempt?: readonly ExemptObject[];
  readonly reason?: string;
  readonly until?: string;
  readonly emergency?: boolean;
  readonly distrustAfter?: string;
  /** The beginning of the key identifier of the root that was stolen. */
  readonly stolen?: string;
}

const exemptKinds = ['Secret', 'ConfigMap', 'ClusterTrustBundle', 'Pod', 'Node', 'Replica', 'Reader'] as const;

/** `Pod/shop/till-0`, or `Node/worker-1` for what is in no namespace. @throws InvalidArgumentError */
export function parseExempt(text: string): ExemptObject {
  const [kind = '', ...place] = text.split('/');
  const found = exemptKinds.find((each) => each.toLowerCase() === kind.toLowerCase());
  const [first = '', second] = place;
  if (found === undefined || first === '' || place.length > 2 || second === '') throw new InvalidArgumentError(`write KIND/NAMESPACE/NAME or KIND/NAME, such as Pod/shop/till-0; kinds are ${exemptKinds.join(', ')}.`);
  return second === undefined ? { kind: found, name: first } : { kind: found, namespace: first, name: second };
}

/** `50` or `50/s`. @throws InvalidArgumentError */
export function parsePace(text: string): number {
  const pace = Number(/^(\d{1,5})(?:\/s)?$/u.exec(text)?.[1]);
  if (!(pace >= 1 && pace <= 10_000)) throw new InvalidArgumentError('write identities a second from 1 to 10000, such as 50/s.');
  return pace;
}

/** The trust domain that was named, or the only one. @throws CONFIGURATION_INVALID, ROTATION_NOT_POSSIBLE */
export function chosenDomain({ trustDomains }: Sight, named: string | undefined): string {
  const names = trustDomains.map(({ metadata }) => metadata.name).sort();
  if (named !== undefined) {
    if (names.includes(named)) return named;
    throw new MtlsdError('ROTATION_NOT_POSSIBLE', `there is no TrustDomain ${named}${names.length === 0 ? '' : `; there is ${names.join(', ')}`}`, { details: { trustDomain: named } });
  }
  const [only, ...more] = names;
  if (only !== undefined && more.length === 0) return only;
  throw new MtlsdError('CONFIGURATION_INVALID', names.length === 0 ? 'there is no TrustDomain yet' : `there are several trust domains: name one by --trust-domain (${names.join(', ')})`, { details: { option: '--trust-domain' } });
}

/**
 * The CARotation that the wish asks for: its name tells what is rotated, so that the same wish has the same name.
 * @throws CONFIGURATION_INVALID, ROTATION_NOT_POSSIBLE
 */
export function draftOf(wish: RotationWish, trustDomain: string, sight: Sight, nowMs: number): RotationDraft {
  const object = sight.trustDomains.find(({ metadata }) => metadata.name === trustDomain);
  const from = wish.emergency === true ? stolenRoot(trustDomain, object, wish.stolen).fromAuthority : object?.status?.authorities?.find(({ role, state }) => role === wish.what && state === 'Active')?.keyIdentifier;
  if (from === undefined) throw new MtlsdError('ROTATION_NOT_POSSIBLE', `the status of TrustDomain ${trustDomain} names no active ${wish.what.toLowerCase()} authority: is mtlsd running?`, { details: { trustDomain } });
  const exemptions = exemptionsOf(wish, nowMs);
  const spec: CARotationSpec = {
    trustDomain,
    what: wish.what,
    fromAuthority: from,
    ...(wish.emergency === true ? { mode: 'Emergency', confirm: trustDomain } : { mode: 'Graceful' }),
    ...(wish.distrustAfter === undefined ? {} : { distrustAfter: wish.distrustAfter }),
    ...(wish.approve === undefined ? {} : { approvals: [...new Set(wish.approve)] }),
    ...(wish.pace === undefined ? {} : { pace: wish.pace }),
    ...(exemptions.length === 0 ? {} : { exemptions }),
  };
  return { apiVersion: 'mtlsd.io/v1alpha1', kind: 'CARotation', metadata: { name: wish.name ?? freeName(`${trustDomain}-${wish.what.toLowerCase()}-${from.slice(0, 8)}`, sight) }, spec };
}

/** @throws CONFIGURATION_INVALID */
export function exemptionsOf({ exempt = [], reason, until }: Pick<RotationWish, 'exempt' | 'reason' | 'until'>, nowMs: number): NonNullable<CARotationSpec['exemptions']> {
  if (exempt.length === 0) {
    if (reason === undefined && until === undefined) return [];
    throw new MtlsdError('CONFIGURATION_INVALID', '--reason and --until belong to --exempt', { details: { option: '--exempt' } });
  }
  if (reason === undefined || until === undefined) throw new MtlsdError('CONFIGURATION_INVALID', 'an exemption needs --reason and --until: the receipt keeps both', { details: { option: '--exempt' } });
  const end = instant(until, nowMs);
  return exempt.map((object) => ({ ...object, reason, until: end }));
}

/** A time, or how long from now. @throws CONFIGURATION_INVALID */
function instant(text: string, nowMs: number): string {
  const ms = /^(?:\d+[hms])+$/u.test(text) ? nowMs + parseDuration(text) : Date.parse(text);
  if (Number.isNaN(ms) || !/^\d/u.test(text)) throw new MtlsdError('CONFIGURATION_INVALID', `--until ${text} is no time: write 2026-01-31T12:00:00Z, or how long from now, such as 24h`, { details: { option: '--until' } });
  return new Date(ms).toISOString().replace(/\.\d+Z$/u, 'Z');
}

/** An attempt that was aborted keeps its name. */
function freeName(name: string, { rotations }: Sight): string {
  const taken = new Set(rotations.map(({ metadata }) => metadata.name));
  for (let number = 1; ; number += 1) {
    const each = number === 1 ? name : `${name}-${number}`;
    if (!taken.has(each)) return each;
  }
}
