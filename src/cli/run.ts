import { join } from 'node:path';
import { Command, Option } from 'commander';
import { openAuditSettings } from '../app/audit/settings.ts';
import { createLog, logLevels, type LogFormat, type LogLevel } from '../app/log.ts';
import type { Overview } from '../app/overview/overview.ts';
import { Standalone, systemNamespace } from '../app/standalone.ts';
import type { EventRecorder, Log, Metrics } from '../telemetry/index.ts';
import { apiOptions, withApiOptions, type ApiFlags } from './api-options.ts';
import { auditOptions, withAuditOptions, type AuditFlags } from './audit/options.ts';
import { exitCodes } from './exit-codes.ts';
import type { CliIo } from './io.ts';
import type { Place } from './live-frame.ts';
import { unusable } from './read-input.ts';

interface RunOptions extends AuditFlags, ApiFlags {
  readonly out: string;
  readonly state?: string;
  readonly once?: boolean;
  readonly fileMode?: string;
  readonly fileOwner?: string;
  readonly logFormat: LogFormat;
  readonly logLevel: LogLevel;
}

/** `mtlsd run`: the reconcilers on a folder of manifests. */
export function runCommand(io: CliIo, untilStopped: () => Promise<void>): Command {
  const command = new Command('run')
    .description('Issue and renew identities from a folder of manifests, into another folder.')
    .argument('<dir>', 'folder with TrustDomain and WorkloadIdentity manifests (*.yaml, *.yml, *.json)')
    .requiredOption('--out <folder>', 'where identities and their status are written; made by mtlsd')
    .option('--state <folder>', 'where authorities are kept; default: beside --out, with .state behind its name')
    .option('--once', 'reconcile until nothing is left to do, then exit: 0, or 1 if an object is not Ready')
    .option('--file-mode <octal>', 'mode of private files of identities that name none (default: 0600)')
    .option('--file-owner <uid:gid>', 'owner of the files of identities that name none (default: the user that runs mtlsd)')
    .addOption(new Option('--log-format <format>', 'how log lines look').choices(['text', 'json']).default('text'))
    .addOption(new Option('--log-level <level>', 'which log lines are written').choices([...logLevels]).default('info'))
    .addHelpText(
      'after',
      `
Whoever can write <dir> decides who gets which identity. One process at a time
works on a state folder. In a terminal a live table is shown; otherwise log
lines. SIGINT and SIGTERM finish what is in flight.`,
    )
    .action((dir: string, options: RunOptions) => run(io, dir, options, untilStopped));
  return withAuditOptions(withApiOptions(command), 'a file, or an https:// URL (default: audit.jsonl in the state folder)');
}

async function run(io: CliIo, dir: string, options: RunOptions, untilStopped: () => Promise<void>): Promise<void> {
  const live = io.isTerminal && options.once !== true ? new (await import('./live-view.ts')).LiveView(io, placeOf(dir, options.out)) : undefined;
  const write = live === undefined ? io.stdout : (text: string) => live.tell(text);
  const log = createLog({ format: options.logFormat, level: options.logLevel, colour: io.isTerminal, write });
  const state = options.state ?? `${options.out.replace(/\/+$/, '')}.state`;
  const usual = join(state, 'audit.jsonl');
  // Standard output is where the log of this command goes.
  if (options.auditSink === 'stdout') throw unusable('--audit-sink', 'The audit log of mtlsd run does not go to standard output, where its log lines are: name a file or an https:// URL.');
  const audit = await openAuditSettings(auditOptions(options, usual));
  const config = { manifests: dir, out: options.out, state, audit, api: apiOptions(options, systemNamespace), access: { ...(options.fileMode === undefined ? {} : { fileMode: options.fileMode }), ...(options.fileOwner === undefined ? {} : { fileOwner: options.fileOwner }) } };
  await using standalone = await Standalone.start(config, { log, events: eventsToLog(log), metrics: noMetrics });
  // Awaited here: the folders are closed when this function ends.
  if (options.once === true) return await once(io, standalone);
  if (live === undefined) {
    tellFirst(standalone, log, options.out);
    // What stands in the way of an identity is logged when it begins: a restart would be silent about what was there before.
    void standalone.settled().then(() => tellCount(standalone.overview(), log, options.out));
    await untilStopped();
  } else {
    await live.show(standalone, untilStopped());
  }
  log.info('stopping: what is in flight is finished first');
}

/** What a newcomer may try with the folders. */
function placeOf(dir: string, out: string): Place {
  return {
    title: `${dir} → ${out}`,
    hints: ({ namespace, name }) => {
      const folder = `${out}/identities/${namespace}/${name}`;
      return [
        [`bin/mtlsd inspect ${folder}/credential-bundle.pem`, 'what is in a certificate'],
        [`bin/mtlsd verify --bundle ${folder}/ca.crt ${folder}/tls.crt`, 'would a peer accept it'],
        [`bin/mtlsd status --out ${out}`, 'authorities, identities, problems'],
        [`edit a file in ${dir}`, 'it takes effect within a second; Ctrl-C ends'],
      ];
    },
  };
}

async function once(io: CliIo, standalone: Standalone): Promise<void> {
  await standalone.settled();
  const { identities, trustDomains, problems } = standalone.overview();
  for (const problem of problems) io.stderr(`${problem.object}: ${problem.reason}: ${problem.message}\n`);
  const ready = [...identities, ...trustDomains].every((row) => row.ready);
  io.stdout(`${identities.filter((row) => row.ready).length} of ${identities.length} identities are ready\n`);
  if (!ready || problems.length > 0) io.setExitCode(exitCodes.no);
}

function tellCount({ identities, problems }: Overview, log: Log, out: string): void {
  const ready = `${identities.filter((row) => row.ready).length} of ${identities.length} identities are ready`;
  if (problems.length === 0) log.info(ready);
  else log.warn(`${ready}, ${problems.length} thing${problems.length === 1 ? ' is' : 's are'} wrong: mtlsd status --out ${out}`);
}

/** Log lines that a person reads first say what to try next, once, when the first identity is there. */
function tellFirst(standalone: Standalone, log: Log, out: string): void {
  let told = false;
  standalone.onChange(() => {
    if (told) return;
    const first = standalone.overview().identities.find((row) => row.ready);
    if (first === undefined) return;
    told = true;
    log.info(`try: bin/mtlsd inspect ${out}/identities/${first.namespace}/${first.name}/credential-bundle.pem`);
  });
}

/**
 * Standalone has no Events: what they say goes into the log. What stands in the way of an identity does not: it may quote
 * what a user wrote (L26), and its reconciler logs it without that.
 */
function eventsToLog(log: Log): EventRecorder {
  return {
    record: (target, event) => {
      if (target.kind === 'WorkloadIdentity' && event.type === 'Warning' && event.reason !== 'ForeignChange') return;
      const { namespace, name } = target.metadata;
      const fields = { object: `${target.kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`, reason: event.reason };
      if (event.type === 'Warning') log.warn(event.message, fields);
      else log.info(event.message, fields);
    },
  };
}

const noMetrics: Metrics = {
  issued: () => undefined,
  reconciled: () => undefined,
  storeInterrupted: () => undefined,
  queueDepth: () => undefined,
};
