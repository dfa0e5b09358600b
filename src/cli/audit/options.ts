import { InvalidArgumentError, Option, type Command } from 'commander';
import { auditDefaults, type AuditOptions } from '../../app/audit/settings.ts';

/** The options of a command that records decisions, as commander names them. */
export interface AuditFlags {
  readonly auditSink?: string;
  readonly auditFailClosed?: boolean;
  readonly auditSpoolBytes: number;
  readonly auditSpoolDir?: string;
  readonly auditPersonDays: number;
  readonly auditFileBytes: number;
  readonly auditFiles: number;
  readonly auditCaFile?: string;
  readonly auditTokenFile?: string;
}

/** The least that holds what is under way while the sink is down. */
const spoolBytesMin = 256 * 1024;

/**
 * Adds the options of the audit log to a command.
 * @param sinks what `--audit-sink` takes, with what it is by default, for its help
 */
export function withAuditOptions(command: Command, sinks: string): Command {
  return command
    .addOption(new Option('--audit-sink <sink>', `where decisions are recorded: ${sinks}`))
    .addOption(new Option('--audit-fail-closed', 'sign nothing while the audit log cannot take it (default: go on, count and record the loss)'))
    .addOption(number('--audit-spool-bytes <bytes>', 'what waits at most while the sink is down', auditDefaults.spoolBytes, spoolBytesMin))
    .addOption(new Option('--audit-spool-dir <folder>', 'a folder of this process alone, in which what waits outlives it (default: it waits in memory)'))
    .addOption(number('--audit-file-bytes <bytes>', 'length at which a new file begins', auditDefaults.fileBytes, 64 * 1024))
    .addOption(number('--audit-files <count>', 'how many files are kept', auditDefaults.files, 2))
    .addOption(new Option('--audit-ca-file <file>', 'roots that the endpoint is verified by, PEM, read again for each request (default: those of the system)'))
    .addOption(new Option('--audit-token-file <file>', 'a bearer token for the endpoint, read again for each request'))
    .addOption(number('--audit-person-days <days>', 'how long records of one person can be linked; then the key that hides persons is replaced', auditDefaults.personDays, 1));
}

function number(flags: string, description: string, usual: number, least: number): Option {
  return new Option(flags, description).default(usual).argParser((text) => {
    const value = Number(text);
    if (!/^\d{1,12}$/u.test(text) || value < least) throw new InvalidArgumentError(`write a whole number, ${least} or more.`);
    return value;
  });
}

/** What was said. @param usual the sink where none was named */
export function auditOptions(flags: AuditFlags, usual: string): AuditOptions {
  return {
    sink: flags.auditSink ?? usual,
    failClosed: flags.auditFailClosed ?? auditDefaults.failClosed,
    spoolBytes: flags.auditSpoolBytes,
    spoolDir: flags.auditSpoolDir,
    personDays: flags.auditPersonDays,
    fileBytes: flags.auditFileBytes,
    files: flags.auditFiles,
    caFile: flags.auditCaFile,
    tokenFile: flags.auditTokenFile,
  };
}
