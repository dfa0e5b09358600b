import { Command, Option } from 'commander';
import { rotationNamed } from '../../app/rotation/site.ts';
import { hasEnded } from '../../app/overview/rotation-row.ts';
import { MtlsdError } from '../../errors/index.ts';
import { readPublicKeys, verifyReceipt } from '../../rotation/receipt/index.ts';
import { exitCodes } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { receiptText } from '../receipt/text.ts';
import { openPlace, withPlace, type PlaceOptions } from './place.ts';

/** `mtlsd rotate receipt`: the signed account of a rotation that has ended. */
export function receiptCommand(io: CliIo): Command {
  return withPlace(new Command('receipt'))
    .description('Print the signed receipt of a rotation that has ended.')
    .argument('<name>', 'name of the CARotation')
    .addOption(new Option('--output <format>', 'how it is printed; json: the receipt itself, byte by byte as it was signed').choices(['text', 'json']).default('text'))
    .action(async (name: string, options: PlaceOptions & { readonly output: 'text' | 'json' }) => {
      await using site = await openPlace(io, options);
      const rotation = rotationNamed(await site.look(), name);
      const text = await site.receipt(rotation);
      if (text === undefined) throw new MtlsdError('ROTATION_NOT_POSSIBLE', `CARotation ${name} has no receipt ${hasEnded(rotation) ? 'any more: the newest are kept' : 'yet: it is signed when the rotation has ended'}`, { details: { trustDomain: rotation.spec.trustDomain } });
      if (options.output === 'json') return io.stdout(text);
      const verdict = verifyReceipt(Buffer.from(text, 'utf8'), readPublicKeys(await site.publicKeys(rotation.spec.trustDomain)));
      io.stdout(receiptText(verdict, io.isTerminal));
      if (verdict.problems.length > 0) io.setExitCode(exitCodes.no);
    });
}
