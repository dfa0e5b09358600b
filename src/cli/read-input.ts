import type { Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { MtlsdError } from '../errors/index.ts';
import type { CliIo } from './io.ts';

/** What a command reads: a larger file is another one than was meant. */
export interface ExpectedInput {
  readonly mebibytesMax: number;
  /** Completing "give …". */
  readonly what: string;
  /** A file in a folder, as an example. */
  readonly example: string;
  /** Whether there may be nothing in it. */
  readonly mayBeEmpty?: boolean;
}

const credentials: ExpectedInput = { mebibytesMax: 1, what: 'a certificate, key or bundle', example: 'tls.crt' };
/** Whole applications fit, and what nobody reads does not. */
export const manifests: ExpectedInput = { mebibytesMax: 16, what: 'manifests', example: 'deployment.yaml' };

const bytesMax = ({ mebibytesMax }: ExpectedInput): number => mebibytesMax * 1024 * 1024;

/** An argument that names something unusable: the sentence says what it is and what to give instead. */
export function unusable(argument: string, sentence: string, cause?: unknown): MtlsdError<'CONFIGURATION_INVALID'> {
  return new MtlsdError('CONFIGURATION_INVALID', sentence, { details: { option: argument }, cause });
}

function tooLarge(argument: string, name: string, { mebibytesMax, what }: ExpectedInput): MtlsdError {
  return unusable(argument, `${name} is larger than ${mebibytesMax} MiB: name the file of ${what}.`);
}

async function readStream(stream: NodeJS.ReadableStream, argument: string, expected: ExpectedInput): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > bytesMax(expected)) throw tooLarge(argument, 'Standard input', expected);
    chunks.push(bytes);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** Reads to the end rather than by the size that is stated: a pipe has none, and a file may grow. */
async function readHandle(handle: FileHandle, argument: string, file: string, expected: ExpectedInput): Promise<Uint8Array> {
  const buffer = Buffer.alloc(bytesMax(expected) + 1);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length);
    if (bytesRead === 0) return new Uint8Array(buffer.subarray(0, length));
    length += bytesRead;
  }
  throw tooLarge(argument, file, expected);
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist: check the path',
  EACCES: 'cannot be read: your user lacks the right to (its mode says who may)',
  ENOTDIR: 'does not exist: a part of its path is a file, not a folder',
  ELOOP: 'cannot be read: its symbolic links lead in a circle',
  ENAMETOOLONG: 'cannot be read: its name is too long; name a file, do not paste its content',
};

function notReadable(argument: string, file: string, error: unknown): MtlsdError {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  return unusable(argument, `${file} ${reasons[code] ?? `cannot be read (${code})`}.`, error);
}

function checkKind(stats: Stats, argument: string, file: string, { example }: ExpectedInput): void {
  if (!stats.isDirectory()) return;
  throw unusable(argument, `${file} is a folder: name a file in it, such as ${file.replace(/\/*$/u, '')}/${example}.`);
}

async function readFile(argument: string, file: string, expected: ExpectedInput): Promise<Uint8Array> {
  try {
    await using handle = await open(file, 'r');
    checkKind(await handle.stat(), argument, file, expected);
    return await readHandle(handle, argument, file, expected);
  } catch (error) {
    if (error instanceof MtlsdError) throw error;
    throw notReadable(argument, file, error);
  }
}

/**
 * The bytes of `file`, or of standard input for `-`: at least one where that is not `expected` otherwise, and no more than that. `argument` is what the user called it.
 *
 * @throws MtlsdError `CONFIGURATION_INVALID`, whose message says what to give instead
 */
export async function readInput(io: CliIo, argument: string, file: string, expected: ExpectedInput = credentials): Promise<Uint8Array> {
  const bytes = file === '-' ? await readStream(io.stdin, argument, expected) : await readFile(argument, file, expected);
  if (bytes.length > 0 || expected.mayBeEmpty === true) return bytes;
  throw unusable(argument, `${file === '-' ? 'Standard input' : file} is empty: give ${expected.what}.`);
}
