import type { ResolvedIdentitySpec, Secret } from '../../resources/index.ts';
import { buildKeystores, keyIdentifierOf, parseCertificate, parsePem, type KeystoreInput } from '../../x509/index.ts';
import type { RenderedBundle } from '../domains.ts';
import { deliveredFormats, derFiles, fileDigest, keystoreFiles, mayStay, settingsDigest, type DeliveredFormats, type DeliveredKeystores } from './formats.ts';
import type { PasswordReading } from './keystore-password.ts';

/** A pair as it stands in PEM, with what tells it from others. */
export interface Pair {
  readonly chainPem: string;
  readonly privateKeyPem: string;
  readonly serialNumber: string;
  readonly notAfterMs: number;
}

/** What the further formats of a Secret are made of. */
export interface FormatsInput {
  readonly resolved: Pick<ResolvedIdentitySpec, 'der' | 'keystore'>;
  readonly password: PasswordReading | undefined;
  readonly pair: Pair;
  readonly bundle: RenderedBundle;
  /** The Secret of this identity that is about to be replaced, if there is one; read only when something may be kept of it. */
  readonly before: { readonly formats: DeliveredFormats; read(): Promise<Secret | undefined> } | undefined;
  readonly nowMs: number;
  readonly randomBytes: (length: number) => Uint8Array;
}

/** Further files of a Secret (base64, as in `data`), and what its annotation says of them. */
export interface RenderedFormats {
  readonly delivered: DeliveredFormats;
  readonly data: Readonly<Record<string, string>>;
}

interface RenderedKeystores {
  readonly keystores: DeliveredKeystores | undefined;
  readonly data: Readonly<Record<string, string>>;
}

const noKeystores: RenderedKeystores = { keystores: undefined, data: {} };

/** Makes the further formats. Without a password the keystores of before stay, as long as they are of use. @throws STORE_… from reading the Secret of before */
export async function renderFormats(input: FormatsInput): Promise<RenderedFormats> {
  const { resolved, pair, bundle } = input;
  const ders = resolved.der ? derFiles(pair.chainPem, pair.privateKeyPem, bundle) : {};
  const { keystores, data } = await renderKeystores(input);
  return { delivered: { der: resolved.der, keystores }, data: { ...base64(ders), ...data } };
}

async function renderKeystores(input: FormatsInput): Promise<RenderedKeystores> {
  const { resolved, password, pair, bundle } = input;
  const { keystore: settings } = resolved;
  if (settings === undefined) return noKeystores;
  if (password?.kind !== 'read') return keptKeystores(input);
  const content: KeystoreInput = { privateKeyPem: pair.privateKeyPem, chainPem: pair.chainPem, alias: settings.alias, roots: rootsWithAliases(bundle.caPem, settings.trustAlias) };
  const { keyStore, trustStore } = await buildKeystores(content, password.password.reveal(), settings.profile, input.randomBytes);
  const files = { 'keystore.p12': keyStore, 'truststore.p12': trustStore };
  return {
    keystores: {
      serialNumber: pair.serialNumber,
      notAfter: new Date(pair.notAfterMs).toISOString(),
      bundleGeneration: bundle.generation,
      settings: settingsDigest(settings),
      password: password.version,
      files: Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, fileDigest(bytes)])),
    },
    data: base64(files),
  };
}

async function keptKeystores({ before, bundle, nowMs }: FormatsInput): Promise<RenderedKeystores> {
  if (before === undefined || !mayStay(before.formats.keystores, bundle.generation, nowMs)) return noKeystores;
  const secret = await before.read();
  const keystores = secret === undefined ? undefined : deliveredFormats(secret).keystores;
  if (secret === undefined || !mayStay(keystores, bundle.generation, nowMs)) return noKeystores;
  const data: Record<string, string> = {};
  for (const name of keystoreFiles) {
    const value = secret.data[name];
    // What somebody else put there is not kept.
    if (value === undefined || fileDigest(Buffer.from(value, 'base64')) !== keystores.files[name]) return noKeystores;
    data[name] = value;
  }
  return { keystores, data };
}

/** Roots under names that stay the same as long as the root does, whichever others come and go. */
function rootsWithAliases(caPem: string, start: string): KeystoreInput['roots'] {
  const taken = new Map<string, number>();
  return parsePem(caPem).map(({ der }) => {
    const alias = `${start}-${keyIdentifierOf(parseCertificate(der).publicKey.spki).slice(0, 8)}`;
    const count = (taken.get(alias) ?? 0) + 1;
    taken.set(alias, count);
    return { alias: count === 1 ? alias : `${alias}-${count}`, certificate: der };
  });
}

function base64(files: Readonly<Record<string, Uint8Array>>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')]));
}
