import type { Certificate, Pkcs12Content, Pkcs12Entry } from '../x509/index.ts';
import { counted } from './inspect-report.ts';
import { unusable } from './read-input.ts';
import { printable } from './terminal-text.ts';

/**
 * The chain of the key that is meant: the one of that alias, or the only one that there is. With several nobody knows which
 * one a server would present.
 *
 * @param name what the keystore is called in messages
 * @throws MtlsdError `CONFIGURATION_INVALID`, whose message lists the aliases when they would help
 */
export function chainOfKeystore(name: string, { entries }: Pkcs12Content, alias: string | undefined): readonly Certificate[] {
  if (entries.length === 0) throw unusable('FILE', `${name} holds no private key with a chain: name a keystore with a key and its chain; a trust store goes to --bundle.`);
  const meant = alias === undefined ? entries : entries.filter((entry) => entry.alias === alias);
  const [entry] = meant;
  if (entry === undefined || meant.length > 1) throw alias === undefined ? several(name, entries) : notOne(name, alias, entries, meant.length);
  if (entry.chain.length > 0) return entry.chain;
  throw unusable('FILE', `${name} holds ${alias === undefined ? 'a private key' : `the private key ${quoted(alias)}`} without a chain: export it again with its certificates.`);
}

function several(name: string, entries: readonly Pkcs12Entry[]): Error {
  const choice = namesOf(entries);
  const remedy = choice === '' ? 'none has an alias: export the one that is meant by itself' : `choose one by --alias (${choice})`;
  return unusable('FILE', `${name} holds ${counted(entries.length, 'private key')}: ${remedy}.`);
}

function notOne(name: string, alias: string, entries: readonly Pkcs12Entry[], count: number): Error {
  if (count > 1) return unusable('--alias', `${name} holds ${counted(count, 'private key')} with the alias ${quoted(alias)}: give them aliases of their own.`);
  const choice = namesOf(entries);
  return unusable('--alias', `${name} holds no private key with the alias ${quoted(alias)}: ${choice === '' ? 'its keys have no aliases; leave --alias out' : `there is ${choice}`}.`);
}

const quoted = (alias: string): string => `"${printable(alias)}"`;

/** Aliases as they are to be typed; an entry without one cannot be named. */
function namesOf(entries: readonly Pkcs12Entry[]): string {
  return [...new Set(entries.flatMap(({ alias }) => (alias === undefined ? [] : [quoted(alias)])))].join(', ');
}
