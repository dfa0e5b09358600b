import { MtlsdError } from '../errors/index.ts';

/** One PEM block: the label of its BEGIN line and the DER inside. */
export interface PemBlock {
  readonly label: string;
  readonly der: Uint8Array;
}

/** The largest text that `parsePem` takes, in characters. */
export const pemCharactersMax = 1024 * 1024;

/** The most blocks that one text may hold. */
export const pemBlocksMax = 1024;

const begin = /^-----BEGIN ([A-Z0-9]+(?:[ -][A-Z0-9]+)*)-----$/;
const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

function invalid(line: number, what: string): MtlsdError<'X509_PEM_INVALID'> {
  return new MtlsdError('X509_PEM_INVALID', `The text is not well-formed PEM: line ${line}: ${what}.`);
}

function decode(body: string, line: number): Uint8Array {
  if (body.length === 0) throw invalid(line, 'the block is empty');
  if (body.length % 4 !== 0 || !base64.test(body)) throw invalid(line, 'the block is not base64');
  const der = Buffer.from(body, 'base64');
  // Base64 of one byte string has one spelling (RFC 4648 §3.5): stray bits behind the last byte are refused.
  if (der.toString('base64') !== body) throw invalid(line, 'the block is not canonical base64');
  return new Uint8Array(der);
}

/**
 * Reads every block of a PEM text (RFC 7468 §3, strict within a block; text between blocks is allowed, §2). Throws
 * X509_PEM_INVALID, whose message names the line and never its content, also when there is no block at all.
 */
export function parsePem(text: string): readonly PemBlock[] {
  if (text.length > pemCharactersMax) throw invalid(1, `${text.length} characters are more than ${pemCharactersMax}`);
  const blocks: PemBlock[] = [];
  let label: string | undefined;
  let body: string[] = [];
  let beganAt = 0;
  for (const [index, raw] of text.split('\n').entries()) {
    const number = index + 1;
    const line = raw.replace(/[ \t\r]+$/, '');
    if (label === undefined) {
      if (!line.startsWith('-----')) continue;
      label = begin.exec(line)?.[1];
      if (label === undefined) throw invalid(number, 'a BEGIN line was expected');
      if (blocks.length === pemBlocksMax) throw invalid(number, `more than ${pemBlocksMax} blocks`);
      [body, beganAt] = [[], number];
    } else if (line.startsWith('-----')) {
      if (line !== `-----END ${label}-----`) throw invalid(number, `the END line of the block that began at line ${beganAt} was expected`);
      blocks.push({ label, der: decode(body.join(''), beganAt) });
      label = undefined;
    } else {
      if (!base64.test(line)) throw invalid(number, 'not base64');
      body.push(line);
    }
  }
  if (label !== undefined) throw invalid(beganAt, 'the block has no END line');
  if (blocks.length === 0) throw invalid(1, 'there is no block');
  return blocks;
}

const columns = 64;

/** One block, RFC 7468 §3: 64 columns, `\n` line ends, a trailing newline. */
export function encodePem(label: string, der: Uint8Array): string {
  const body = Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString('base64');
  // Every issuance comes through here: slices take a sixth of the time that a regular expression does.
  let text = `-----BEGIN ${label}-----\n`;
  for (let at = 0; at < body.length; at += columns) text += `${body.slice(at, at + columns)}\n`;
  return `${text}-----END ${label}-----\n`;
}
