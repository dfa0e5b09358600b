import { Command, Option } from 'commander';
import { gateToApprove, hasEnded, rotationRow } from '../../app/overview/rotation-row.ts';
import type { RotationSite } from '../../app/rotation/site.ts';
import { MtlsdError } from '../../errors/index.ts';
import type { CARotation, CARotationSpec, RotationGate } from '../../resources/index.ts';
import type { CliIo } from '../io.ts';
import { exemptionsOf, parseExempt, type ExemptObject } from './draft.ts';
import { gateNames, parseGate } from './gates.ts';
import { named } from './named.ts';
import { openPlace, withPlace, type PlaceOptions } from './place.ts';

type Output = PlaceOptions & { readonly output: 'text' | 'json' };

function changeCommand(name: string, description: string): Command {
  return withPlace(new Command(name))
    .description(description)
    .argument('[name]', 'name of the CARotation (default: the one that is under way)')
    .addOption(new Option('--output <format>', 'how it is printed').choices(['text', 'json']).default('text'));
}

/** `mtlsd rotate approve`: a person's word at a gate. */
export function approveCommand(io: CliIo): Command {
  return changeCommand('approve', 'Let a rotation through a gate that waits for a person.')
    .argument('[gate]', `the gate (default: the one that it stands at): ${gateNames.join(', ')}`, parseGate)
    .action(async (first: string | undefined, second: RotationGate | undefined, options: Output) => {
      await using site = await openPlace(io, options);
      // No object has a capital in its name: a gate alone is meant.
      const alone = second === undefined ? gateNames.find((each) => each === first) : undefined;
      const rotation = underWay(await named(site, alone === undefined ? first : undefined));
      const wanted = second ?? alone ?? gateToApprove(rotation);
      if (wanted === undefined) throw impossible(rotation, "waits for nobody's word at the gate that it stands at");
      if (!(rotation.spec.approvals ?? []).includes(wanted)) throw impossible(rotation, `waits for nobody's word at ${wanted}: it was not made with --approve ${wanted}`);
      await change(io, site, rotation, options, (spec) => ({ ...spec, approved: [...new Set([...(spec.approved ?? []), wanted])] }), approvalSaid(rotation, wanted));
    });
}

/** What a person's word at a gate leads to, where the gate stands now. */
function approvalSaid({ spec, status }: CARotation, gate: RotationGate): string {
  const found = status?.gates?.find(({ name }) => name === gate);
  if (found?.state === 'Passed') return `${gate} is approved; it was passed already`;
  if ((spec.approved ?? []).includes(gate)) return `${gate} was approved already`;
  if (found?.state === 'Waiting') return `${gate} is approved`;
  return `${gate} is approved before it is reached: nobody will be waited for there`;
}

/** `mtlsd rotate pause`. */
export function pauseCommand(io: CliIo): Command {
  return simple(io, changeCommand('pause', 'Hold a rotation; certificates are renewed all the same.'), (spec) => ({ ...spec, paused: true }), ({ spec }) => (spec.paused === true ? 'was paused already' : 'is paused'));
}

/** `mtlsd rotate resume`. */
export function resumeCommand(io: CliIo): Command {
  return simple(io, changeCommand('resume', 'Let a paused rotation go on.'), (spec) => ({ ...spec, paused: false }), ({ spec }) => (spec.paused === true ? 'goes on' : 'was not paused'));
}

/** `mtlsd rotate abort`. */
export function abortCommand(io: CliIo): Command {
  const command = changeCommand('abort', 'Give a rotation up: before the switch the new authority is dropped, after it the old one takes over again.');
  return simple(io, command, (spec) => ({ ...spec, abort: true }), (rotation) => {
    if (rotation.spec.abort === true) return 'was given up already';
    const { retiredAt, switchedAt } = rotation.status ?? {};
    if (retiredAt !== undefined) throw impossible(rotation, 'has retired the old authority already: there is nothing to go back to; it ends by itself, and then you may rotate again');
    if (rotation.spec.what === 'Issuing' && switchedAt !== undefined) throw impossible(rotation, 'has switched the issuing authority, and the key of the one before is gone: it goes on to its end, and then you may rotate again');
    return 'is given up';
  });
}

interface ExemptOptions extends Output {
  readonly reason?: string;
  readonly until?: string;
}

/** `mtlsd rotate exempt`: an object that no gate waits for any more. */
export function exemptCommand(io: CliIo): Command {
  return withPlace(new Command('exempt'))
    .description('Let no gate wait for an object any more; the receipt keeps why.')
    .argument('<object>', 'KIND/NAMESPACE/NAME, such as Pod/shop/till-0', parseExempt)
    .argument('[name]', 'name of the CARotation (default: the one that is under way)')
    .requiredOption('--reason <text>', 'why nobody need wait for it')
    .requiredOption('--until <time>', 'until when: 2026-01-31T12:00:00Z, or how long from now, such as 24h')
    .addOption(new Option('--output <format>', 'how it is printed').choices(['text', 'json']).default('text'))
    .action(async (object: ExemptObject, name: string | undefined, options: ExemptOptions) => {
      await using site = await openPlace(io, options);
      const rotation = underWay(await named(site, name));
      const added = exemptionsOf({ exempt: [object], ...(options.reason === undefined ? {} : { reason: options.reason }), ...(options.until === undefined ? {} : { until: options.until }) }, io.nowMs());
      await change(io, site, rotation, options, (spec) => ({ ...spec, exemptions: [...(spec.exemptions ?? []), ...added] }), `no gate waits for ${object.kind} ${object.namespace === undefined ? '' : `${object.namespace}/`}${object.name}`);
    });
}

/** @param done what to say of it, or throws why it cannot be done */
function simple(io: CliIo, command: Command, edit: (spec: CARotationSpec) => CARotationSpec, done: (rotation: CARotation) => string): Command {
  return command.action(async (name: string | undefined, options: Output) => {
    await using site = await openPlace(io, options);
    const rotation = underWay(await named(site, name));
    await change(io, site, rotation, options, edit, done(rotation));
  });
}

async function change(io: CliIo, site: RotationSite, rotation: CARotation, { output }: Output, edit: (spec: CARotationSpec) => CARotationSpec, done: string): Promise<void> {
  const { name } = rotation.metadata;
  await site.change(name, edit);
  if (output === 'text') return io.stdout(`CARotation ${name}: ${done}\n`);
  io.stdout(`${JSON.stringify(rotationRow((await site.rotation(name)) ?? rotation), undefined, 2)}\n`);
}

function underWay(rotation: CARotation): CARotation {
  if (hasEnded(rotation)) throw impossible(rotation, `has ended (${rotation.status?.phase ?? ''})`);
  return rotation;
}

function impossible({ metadata, spec }: CARotation, why: string): MtlsdError {
  return new MtlsdError('ROTATION_NOT_POSSIBLE', `CARotation ${metadata.name} ${why}`, { details: { trustDomain: spec.trustDomain } });
}
