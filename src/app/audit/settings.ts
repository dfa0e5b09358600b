import { MtlsdError } from '../../errors/index.ts';
import { DescriptorSink } from './descriptor-sink.ts';
import { FileSink } from './file-sink.ts';
import type { AuditSettings } from './open.ts';
import type { AuditSink } from './sink.ts';

/** What a person says about the audit log: options of a command, as they are written. */
export interface AuditOptions {
  /** `stdout`, the path of a file, or the URL of an HTTP endpoint. */
  readonly sink: string;
  readonly failClosed: boolean;
  readonly spoolBytes: number;
  /** A folder in which what waits outlives the process. */
  readonly spoolDir: string | undefined;
  readonly personDays: number;
  readonly fileBytes: number;
  readonly files: number;
  readonly caFile: string | undefined;
  readonly tokenFile: string | undefined;
}

/** What counts where nobody says otherwise. */
export const auditDefaults = { failClosed: false, spoolBytes: 8 * 1024 * 1024, spoolDir: undefined, personDays: 30, fileBytes: 16 * 1024 * 1024, files: 8, caFile: undefined, tokenFile: undefined } as const;

const dayMs = 86_400_000;
const loopback: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Opens the sink. @throws CONFIGURATION_INVALID for a URL that is none, or that would send lines in the clear */
export async function openAuditSettings(options: AuditOptions): Promise<AuditSettings> {
  const { failClosed, spoolBytes, spoolDir, personDays } = options;
  return { sink: await sinkOf(options), failClosed, spoolBytes, spoolFolder: spoolDir, personPeriodMs: personDays * dayMs };
}

async function sinkOf({ sink, fileBytes, files, caFile, tokenFile }: AuditOptions): Promise<AuditSink> {
  if (sink === 'stdout') return new DescriptorSink(process.stdout.fd);
  if (!/^[a-z][a-z0-9+.-]*:/iu.test(sink)) return new FileSink(sink, { bytesMax: fileBytes, filesMax: files });
  const url = URL.canParse(sink) ? new URL(sink) : undefined;
  if (url === undefined || !['https:', 'http:'].includes(url.protocol)) throw invalid('--audit-sink', 'The sink of the audit log is neither stdout, nor a file, nor an https:// URL: write one of the three.');
  if (url.protocol === 'http:' && !loopback.has(url.hostname)) throw invalid('--audit-sink', 'The sink of the audit log is an http:// URL of another machine, which everybody on the way could read: write https://.');
  if (url.username !== '' || url.password !== '') throw invalid('--audit-sink', 'The URL of the audit log holds a name or a password, which would be seen in the list of processes: use --audit-token-file.');
  const { HttpSink } = await import('./http-sink.ts');
  try {
    return await HttpSink.open(url, { caFile, tokenFile });
  } catch (error) {
    throw new MtlsdError('CONFIGURATION_INVALID', `The file ${caFile ?? ''} with the roots of the audit log's endpoint cannot be read: name a file of PEM.`, { details: { option: '--audit-ca-file' }, cause: error });
  }
}

function invalid(option: string, message: string): MtlsdError {
  return new MtlsdError('CONFIGURATION_INVALID', message, { details: { option } });
}
