import { Command, Option } from 'commander';
import type { DrillFigures } from '../../app/rotation/drill.ts';
import { rotationOutlook, type Outlook } from '../../app/rotation/outlook.ts';
import { hasEnded, rotationRow } from '../../app/overview/rotation-row.ts';
import type { RotationSite } from '../../app/rotation/site.ts';
import type { Sight } from '../../app/overview/sight.ts';
import { stolenRoot } from '../../app/rotation/stolen-root.ts';
import { MtlsdError } from '../../errors/index.ts';
import { parseDuration, type RotationGate, type TrustDomain } from '../../resources/index.ts';
import { exitCodes } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { chosenDomain, draftOf, exemptionsOf, parseExempt, parsePace, type ExemptObject, type RotationWish } from './draft.ts';
import { confirmEmergency } from './emergency.ts';
import { follow } from './follow.ts';
import { gateNames, parseGate } from './gates.ts';
import { outlookText } from './outlook-text.ts';
import { hint, openPlace, withPlace, type PlaceOptions } from './place.ts';

interface StartOptions extends PlaceOptions, Omit<RotationWish, 'what'> {
  readonly wait?: boolean;
  readonly dryRun?: boolean;
  readonly confirm?: string;
  readonly output: 'text' | 'json';
}

/** kubelet's own bound on how late a pod sees a changed Secret. A folder shows a change as it is written. */
const propagationDefaultsMs = { cluster: 90_000, folder: 0 } as const;
const distrustAfterDefaultMs = 15 * 60_000;
const paceDefault = 50;

/** `mtlsd rotate root` and `mtlsd rotate issuing`: asks for a rotation, and follows it. */
export function startCommand(what: 'Root' | 'Issuing', io: CliIo, untilStopped: () => Promise<void>): Command {
  const collect = <T>(parse: (text: string) => T) => (text: string, all: readonly T[] = []): readonly T[] => [...all, parse(text)];
  const command = withPlace(new Command(what.toLowerCase()))
    .description(what === 'Root' ? 'Replace the root of a trust domain; bundles go first, nothing breaks.' : 'Replace the issuing authority of a trust domain; bundles do not change.')
    .option('--trust-domain <name>', 'which one (default: the only one)')
    .option('--name <name>', 'name of the CARotation (default: made of trust domain and authority)')
    .option('--wait', 'show how it goes until it has ended, or waits for a person')
    .option('--dry-run', 'show what would be done and how long it takes at least; write nothing')
    .option<readonly RotationGate[]>('--approve <gate>', `wait for a person at this gate; again for more (${gateNames.join(', ')})`, collect(parseGate))
    .option('--pace <number>', `identities that are issued again a second, such as 50/s (default: ${paceDefault}/s)`, parsePace)
    .option<readonly ExemptObject[]>('--exempt <object>', 'an object that no gate waits for, KIND/NAMESPACE/NAME; again for more', collect(parseExempt))
    .option('--reason <text>', 'why; the receipt keeps it (with --exempt)')
    .option('--until <time>', 'until when: 2026-01-31T12:00:00Z, or how long from now, such as 24h (with --exempt)');
  if (what === 'Root') {
    command
      .option('--emergency', 'the root was stolen: distrust it at a named time, whoever is late and whatever is under way; with --dry-run: the drill, which measures')
      .option('--stolen <authority>', 'the beginning of the key identifier of the stolen root, where a rotation is under way (default: whichever, and every root but a new one is distrusted; with --emergency)')
      .option('--confirm <trust domain>', 'its name once more, instead of being asked (with --emergency)')
      .option('--distrust-after <duration>', 'how long after the switch the old root is distrusted (default: 15m; with --emergency)');
  }
  return command
    .addOption(new Option('--output <format>', 'how it is printed').choices(['text', 'json']).default('text'))
    .action((options: StartOptions) => start(io, { ...options, what }, untilStopped));
}

async function start(io: CliIo, options: StartOptions & { readonly what: 'Root' | 'Issuing' }, untilStopped: () => Promise<void>): Promise<void> {
  requireTogether(options);
  // Looking ahead takes no wish that cannot be granted either.
  exemptionsOf(options, io.nowMs());
  await using site = await openPlace(io, options);
  const sight = await site.look();
  const trustDomain = chosenDomain(sight, options.trustDomain);
  const outlook = await lookAhead(io, site, sight, options, trustDomain);
  if (options.dryRun === true) {
    io.stdout(options.output === 'json' ? `${JSON.stringify(outlook, undefined, 2)}\n` : outlookText(outlook, io.isTerminal));
    if (outlook.obstacles.length > 0) io.setExitCode(exitCodes.no);
    return;
  }
  if (options.emergency !== true) requireFree(sight, trustDomain, site);
  const draft = draftOf(options, trustDomain, sight, io.nowMs());
  if (options.emergency === true) await confirmEmergency(io, outlook, options.confirm);
  await site.create(draft);
  const { name } = draft.metadata;
  if (options.wait === true) return await follow(io, site, name, options.output, untilStopped());
  const made = await site.rotation(name);
  if (options.output === 'json') return io.stdout(`${JSON.stringify(made === undefined ? draft : rotationRow(made), undefined, 2)}\n`);
  io.stdout(`CARotation ${name} was taken: ${options.what.toLowerCase()} ${draft.spec.fromAuthority.slice(0, 8)} of ${trustDomain} is being rotated\n`);
  io.stdout(`  ${hint(site, 'wait', name)}   # how it goes\n`);
  if (options.emergency !== true) io.stdout(`  ${hint(site, 'abort', name)}  # give it up\n`);
}

async function lookAhead(io: CliIo, site: RotationSite, sight: Sight, options: StartOptions & { readonly what: 'Root' | 'Issuing' }, trustDomain: string): Promise<Outlook> {
  const around = await site.around();
  const domain = sight.trustDomains.find(({ metadata }) => metadata.name === trustDomain);
  const stolen = options.emergency === true ? stolenRoot(trustDomain, domain, options.stolen) : undefined;
  const drill = options.emergency === true && options.dryRun === true ? await drillOf(io, site, domain) : undefined;
  const request = { ...outlookRequest(options, trustDomain, site), ...(around === undefined ? {} : { around }), ...(stolen === undefined ? {} : { stolen }), ...(drill === undefined ? {} : { drill }) };
  return rotationOutlook(sight, request, io.nowMs());
}

/** The drill of an emergency. */
async function drillOf(io: CliIo, site: RotationSite, object: TrustDomain | undefined): Promise<DrillFigures | undefined> {
  // Loaded when it is needed: what signs takes long to load.
  const { measureDrill } = await import('../../app/rotation/drill.ts');
  return object === undefined ? undefined : measureDrill(site, object, () => io.nowMs());
}

function outlookRequest({ what, emergency, pace, distrustAfter }: StartOptions & { readonly what: 'Root' | 'Issuing' }, trustDomain: string, { kind }: RotationSite) {
  return {
    trustDomain,
    what,
    mode: emergency === true ? ('Emergency' as const) : ('Graceful' as const),
    distrustAfterMs: distrustAfter === undefined ? distrustAfterDefaultMs : parseDuration(distrustAfter),
    pacePerSecond: pace ?? paceDefault,
    propagationDefaultMs: propagationDefaultsMs[kind],
  };
}

function requireTogether({ emergency, confirm, distrustAfter, stolen, dryRun, wait }: StartOptions): void {
  const needsEmergency = confirm !== undefined ? '--confirm' : stolen !== undefined ? '--stolen' : distrustAfter === undefined ? undefined : '--distrust-after';
  if (needsEmergency !== undefined && emergency !== true) throw new MtlsdError('CONFIGURATION_INVALID', `${needsEmergency} belongs to --emergency`, { details: { option: needsEmergency } });
  if (dryRun === true && wait === true) throw new MtlsdError('CONFIGURATION_INVALID', '--dry-run does nothing that could be waited for: leave --wait out', { details: { option: '--wait' } });
}

/** @throws ROTATION_NOT_POSSIBLE while another rotation of the trust domain is under way */
function requireFree({ rotations }: Sight, trustDomain: string, site: RotationSite): void {
  const rival = rotations.find((rotation) => rotation.spec.trustDomain === trustDomain && !hasEnded(rotation));
  if (rival === undefined) return;
  const { name } = rival.metadata;
  throw new MtlsdError('ROTATION_NOT_POSSIBLE', `CARotation ${name} of ${trustDomain} is under way (${rival.status?.phase ?? 'not begun'}), and there is one at a time: follow it by ${hint(site, 'wait', name)}, or give it up by ${hint(site, 'abort', name)}`, { details: { trustDomain } });
}
