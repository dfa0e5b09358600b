import { MtlsdError } from '../../errors/index.ts';
import { annotations } from '../../resources/index.ts';
import { describeKey, keyOf } from '../object-key.ts';
import type { Revision } from '../revision.ts';
import type { FileAccess, FileOwner } from './disk.ts';

/** What holds no secret: readable by everyone unless access is given. */
const publicFiles: ReadonlySet<string> = new Set(['tls.crt', 'ca.crt', 'bundle.json', 'tls.der', 'chain.der', 'ca.der']);

const modeShape = 'an octal mode such as 0640 that lets its owner read and nobody else write';
const ownerShape = 'numbers such as 1000:1000 (user:group)';

/** Access of the files of Secrets that do not say it themselves. */
export interface DefaultAccess {
  /** Permission bits of private files; public ones stay readable. */
  readonly fileMode?: number;
  readonly fileOwner?: FileOwner;
}

/**
 * The mode of a file written as octal digits (`0640`), or undefined when it is none that makes sense: the owner must be able
 * to read, nobody but the owner may write, nothing is executable.
 */
function parseFileMode(text: string): number | undefined {
  if (!/^0?[0-7]{3}$/u.test(text)) return undefined;
  const mode = Number.parseInt(text, 8);
  return (mode & 0o400) === 0 || (mode & 0o133) !== 0 ? undefined : mode;
}

/** The owner of a file written as `uid:gid`, both numbers, or undefined. */
function parseFileOwner(text: string): FileOwner | undefined {
  const match = /^(\d{1,10}):(\d{1,10})$/u.exec(text);
  if (match === null) return undefined;
  const [uid, gid] = [Number(match[1]), Number(match[2])];
  return uid < 0xff_ff_ff_ff && gid < 0xff_ff_ff_ff ? { uid, gid } : undefined;
}

/** Reads the defaults as an operator writes them. @throws CONFIGURATION_INVALID */
export function parseDefaultAccess(options: { readonly fileMode?: string; readonly fileOwner?: string }): DefaultAccess {
  const fileMode = optional('file-mode', options.fileMode, parseFileMode, modeShape);
  const fileOwner = optional('file-owner', options.fileOwner, parseFileOwner, ownerShape);
  return { ...(fileMode === undefined ? {} : { fileMode }), ...(fileOwner === undefined ? {} : { fileOwner }) };
}

function optional<T>(option: string, text: string | undefined, parse: (text: string) => T | undefined, shape: string): T | undefined {
  if (text === undefined) return undefined;
  const value = parse(text);
  if (value !== undefined) return value;
  throw new MtlsdError('CONFIGURATION_INVALID', `--${option} is "${text}"; write ${shape}.`, { details: { option } });
}

/** How the files of a Secret are made: a function of the file's name. @throws STORE_INVALID for an annotation that is none */
export function secretAccess(secret: Revision, defaults: DefaultAccess): (name: string) => FileAccess {
  const mode = annotated(secret, annotations.fileMode, parseFileMode, modeShape);
  const owner = annotated(secret, annotations.fileOwner, parseFileOwner, ownerShape) ?? defaults.fileOwner;
  return (name) => ({
    mode: mode ?? (publicFiles.has(name) ? 0o644 : (defaults.fileMode ?? 0o600)),
    ...(owner === undefined ? {} : { owner }),
  });
}

function annotated<T>(secret: Revision, name: string, parse: (text: string) => T | undefined, shape: string): T | undefined {
  const text = secret.metadata.annotations?.[name];
  if (text === undefined) return undefined;
  const value = parse(text);
  if (value !== undefined) return value;
  const object = describeKey(keyOf(secret));
  throw new MtlsdError('STORE_INVALID', `${object} was refused: annotation ${name} is "${text}"; write ${shape}.`, { details: { object } });
}
