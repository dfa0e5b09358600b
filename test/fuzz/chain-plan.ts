import { encodePem } from '../../src/x509/index.ts';
import { type Description, extensionOf, type ForgedExtension } from './forge.ts';
import { type Changes, derOf, issuingLink, leafLink, type Link, type NamedExtensions, rootLink } from './forged-chain.ts';

/** A chain and its roots as they will be made: each certificate is sound but for its changes. */
export interface ChainPlan {
  root: Changes;
  /** From the root down. */
  readonly issuing: Changes[];
  leaf: Changes;
  /** What happens to the presented certificates, DER, leaf first, before they are presented. */
  readonly arrange: ((certificates: readonly Uint8Array[], root: Uint8Array) => readonly Uint8Array[])[];
  /** What the bundle holds; left out: the root. */
  roots?: (root: Uint8Array) => readonly Uint8Array[];
}

/** The presented chain and the roots, DER. */
export interface PlannedChain {
  readonly chain: readonly Uint8Array[];
  readonly roots: readonly Uint8Array[];
}

/** A sound chain with one issuing authority. */
export function soundPlan(): ChainPlan {
  return { root: {}, issuing: [{}], leaf: {}, arrange: [] };
}

/** The changes, and these extensions replaced; `undefined` leaves one out. */
export function withExtensions(changes: Changes, extensions: NamedExtensions): Changes {
  return { ...changes, extensions: { ...changes.extensions, ...extensions } };
}

/** The changes, and these fields replaced. */
export function withFields(changes: Changes, fields: Partial<Omit<Description, 'extensions'>>): Changes {
  return { ...changes, fields: { ...changes.fields, ...fields } };
}

/** The changes, and one extension more. */
export function withMore(changes: Changes, extension: ForgedExtension): Changes {
  return { ...changes, more: [...(changes.more ?? []), extension] };
}

/** Makes the certificates of a plan. Path lengths fit the depth unless a change says otherwise. */
export function makeChain(plan: ChainPlan): PlannedChain {
  const root = rootLink(plan.root);
  const upwards: Link[] = [];
  for (const [index, changes] of plan.issuing.entries()) {
    const pathLength = extensionOf.basicConstraints(true, plan.issuing.length - 1 - index);
    const sound: Changes = { ...changes, extensions: { basicConstraints: pathLength, ...changes.extensions } };
    upwards.unshift(issuingLink(upwards[0] ?? root, sound, `issuing-${index + 1}`));
  }
  const leaf = leafLink(upwards[0] ?? root, plan.leaf);
  const rootDer = derOf(root);
  const presented = plan.arrange.reduce<readonly Uint8Array[]>((certificates, arrange) => arrange(certificates, rootDer), [leaf, ...upwards].map(derOf));
  return { chain: presented, roots: plan.roots?.(rootDer) ?? [rootDer] };
}

/** PEM of certificates, one behind the other. */
export function pemText(certificates: readonly Uint8Array[]): string {
  return certificates.map((der) => encodePem('CERTIFICATE', der)).join('');
}
