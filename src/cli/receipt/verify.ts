import { Command, Option } from 'commander';
import { MtlsdError } from '../../errors/index.ts';
import { readPublicKeys, verifyReceipt, type PublicAuditKey } from '../../rotation/receipt/index.ts';
import { exitCodes } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { readInput, unusable } from '../read-input.ts';
import { receiptText } from './text.ts';

interface VerifyOptions {
  readonly key?: string;
  readonly output: 'text' | 'json';
}

/** `mtlsd receipt`: receipts of rotations, wherever they lie. */
export function receiptsCommand(io: CliIo): Command {
  return new Command('receipt').description('Verify the signed receipts of rotations.').helpCommand(false).addCommand(verifyCommand(io));
}

function verifyCommand(io: CliIo): Command {
  return new Command('verify')
    .description('Is this receipt, byte by byte, what was signed, and by whom.')
    .argument('<file>', 'the receipt, or - for standard input')
    .option('--key <file>', 'public keys that you trust, PEM: audit-keys.pem of the installation')
    .addOption(new Option('--output <format>', 'how it is printed').choices(['text', 'json']).default('text'))
    .action(async (file: string, options: VerifyOptions) => {
      const bytes = await readInput(io, 'file', file);
      const keys = options.key === undefined ? undefined : await readKeys(io, options.key);
      const verdict = verifyReceipt(bytes, keys);
      io.stdout(options.output === 'json' ? `${JSON.stringify(verdict, undefined, 2)}\n` : receiptText(verdict, io.isTerminal));
      if (verdict.problems.length > 0) io.setExitCode(exitCodes.no);
    });
}

/** Public keys that a person trusts, from a file of PEM. @throws CONFIGURATION_INVALID */
export async function readKeys(io: CliIo, file: string): Promise<readonly PublicAuditKey[]> {
  const text = Buffer.from(await readInput(io, '--key', file)).toString('utf8');
  let keys: readonly PublicAuditKey[] = [];
  try {
    keys = readPublicKeys(text);
  } catch (error) {
    if (error instanceof MtlsdError) throw error;
    throw unusable('--key', `${file} holds a public key that cannot be read: give PEM as audit-keys.pem has it.`, error);
  }
  if (keys.length === 0) throw unusable('--key', `${file} holds no public key: give PEM with BEGIN PUBLIC KEY, such as audit-keys.pem.`);
  return keys;
}
