import { createInterface } from 'node:readline';
import type { Outlook } from '../../app/rotation/outlook.ts';
import { MtlsdError } from '../../errors/index.ts';
import type { CliIo } from '../io.ts';
import { outlookText } from './outlook-text.ts';

/**
 * Shows who will break and when, and goes on only with the name of the trust domain: given by `--confirm`, or typed.
 * @throws CONFIGURATION_INVALID when it is another one, or nobody is there to type it
 */
export async function confirmEmergency(io: CliIo, outlook: Outlook, confirm: string | undefined): Promise<void> {
  io.stderr(outlookText(outlook, io.isTerminal));
  const given = confirm ?? (await ask(io, outlook.trustDomain));
  if (given === outlook.trustDomain) return;
  throw new MtlsdError('CONFIGURATION_INVALID', given === undefined ? `an emergency breaks whoever is late: confirm it by --confirm ${outlook.trustDomain}` : `"${given}" is not ${outlook.trustDomain}: nothing was done`, { details: { option: '--confirm' } });
}

async function ask(io: CliIo, trustDomain: string): Promise<string | undefined> {
  if ((io.stdin as { readonly isTTY?: boolean }).isTTY !== true) return undefined;
  io.stderr(`\nType the name of the trust domain (${trustDomain}) to distrust its root: `);
  const lines = createInterface({ input: io.stdin });
  try {
    for await (const line of lines) return line.trim();
    return '';
  } finally {
    lines.close();
  }
}
