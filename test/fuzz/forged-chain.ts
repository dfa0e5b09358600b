/** Sound chains of `shop.example`, described so that a test can change one thing in one of their certificates. */
import { derivedKey, type DerivedKey } from './derived-key.ts';
import { type Description, extensionOf, forge, type ForgedExtension, generalName, identifierOf } from './forge.ts';

export const trustDomain = 'shop.example';
export const cartId = `spiffe://${trustDomain}/ns/shop/sa/cart`;

/** Valid long enough that fixtures do not age, and short of 2050, where another type of time begins. */
const validity = { notBeforeMs: Date.UTC(2025, 0, 1), notAfterMs: Date.UTC(2049, 11, 1) };
/** When chains are judged. */
export const atMs = Date.UTC(2030, 0, 1);

export type ExtensionName = Exclude<keyof typeof extensionOf, 'unknown'>;

/** Extensions by name, so that one is replaced, or left out by `undefined`; `more` stand at the end. */
export type NamedExtensions = Readonly<Partial<Record<ExtensionName, ForgedExtension | undefined>>>;

/** A link of a chain: its key, and how it differs from a sound one. */
export interface Link {
  readonly key: DerivedKey;
  readonly description: Description;
}

export interface Changes {
  readonly extensions?: NamedExtensions;
  readonly more?: readonly ForgedExtension[];
  readonly fields?: Partial<Omit<Description, 'extensions'>>;
  /** Which key: links of one name share it. */
  readonly keyName?: string;
}

function serialOf(text: string): Uint8Array {
  const octets = Buffer.from(text.padEnd(16, '.').slice(0, 16), 'latin1');
  octets[0] = 0x5a;
  return octets;
}

function link(keyName: string, sound: (key: DerivedKey) => NamedExtensions, base: Omit<Description, 'extensions' | 'spki' | 'serial' | 'signer'> & { signer?: DerivedKey }, changes: Changes): Link {
  const key = derivedKey(changes.keyName ?? keyName);
  const extensions = Object.values({ ...sound(key), ...changes.extensions }).filter((extension) => extension !== undefined);
  const description = { serial: serialOf(keyName), spki: key.spki, ...base, signer: base.signer ?? key, extensions: [...extensions, ...(changes.more ?? [])], ...changes.fields };
  return { key, description };
}

const common = { version: 3, hash: 'sha256', ...validity } as const;

/** A root with a key of its own. */
export function rootLink(changes: Changes = {}, keyName = 'root'): Link {
  const extensions = (key: DerivedKey): NamedExtensions => ({
    basicConstraints: extensionOf.basicConstraints(true),
    keyUsage: extensionOf.keyUsage(['keyCertSign', 'cRLSign']),
    subjectAltName: extensionOf.subjectAltName([generalName.uri(`spiffe://${trustDomain}`)], false),
    subjectKeyIdentifier: extensionOf.subjectKeyIdentifier(identifierOf(key)),
  });
  return link(keyName, extensions, { ...common, issuer: keyName, subject: keyName }, changes);
}

/** An issuing authority below `issuer`. */
export function issuingLink(issuer: Link, changes: Changes = {}, keyName = 'issuing'): Link {
  const extensions = (key: DerivedKey): NamedExtensions => ({
    basicConstraints: extensionOf.basicConstraints(true, 0),
    keyUsage: extensionOf.keyUsage(['keyCertSign', 'cRLSign']),
    subjectAltName: extensionOf.subjectAltName([generalName.uri(`spiffe://${trustDomain}`)], false),
    subjectKeyIdentifier: extensionOf.subjectKeyIdentifier(identifierOf(key)),
    authorityKeyIdentifier: extensionOf.authorityKeyIdentifier(identifierOf(issuer.key)),
  });
  return link(keyName, extensions, { ...common, issuer: issuer.description.subject, subject: keyName, signer: issuer.key }, changes);
}

/** A leaf below `issuer`: the X.509-SVID of `cartId`. */
export function leafLink(issuer: Link, changes: Changes = {}): Link {
  const extensions = (key: DerivedKey): NamedExtensions => ({
    basicConstraints: extensionOf.basicConstraints(false),
    keyUsage: extensionOf.keyUsage(['digitalSignature']),
    extendedKeyUsage: extensionOf.extendedKeyUsage(['serverAuth', 'clientAuth']),
    subjectAltName: extensionOf.subjectAltName([generalName.uri(cartId)]),
    subjectKeyIdentifier: extensionOf.subjectKeyIdentifier(identifierOf(key)),
    authorityKeyIdentifier: extensionOf.authorityKeyIdentifier(identifierOf(issuer.key)),
  });
  return link('leaf', extensions, { ...common, issuer: issuer.description.subject, subject: '', signer: issuer.key }, changes);
}

/** DER of a link. */
export function derOf({ description }: Link): Uint8Array {
  return forge(description);
}
