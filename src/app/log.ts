import { pino } from 'pino';
import pretty from 'pino-pretty';
import type { Log, LogFields } from '../telemetry/index.ts';

/** How log lines look: sentences for people, or JSON for machines. */
export type LogFormat = 'text' | 'json';

/** Levels, the most talkative first. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

/** A log on pino that writes whole lines through `write`. */
export function createLog(options: { readonly format: LogFormat; readonly level: LogLevel; readonly colour: boolean; readonly write: (text: string) => void }): Log {
  const target = { write: options.write };
  const settings = { level: options.level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (level: string) => ({ level }) } };
  const logger =
    options.format === 'json'
      ? pino(settings, target)
      : pino(settings, lineStream(options));
  const at = (level: LogLevel) => (message: string, fields: LogFields = {}): void => logger[level](fields, message);
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function lineStream(options: { readonly colour: boolean; readonly write: (text: string) => void }): { write(line: string): void } {
  const format = pretty.prettyFactory({ colorize: options.colour, hideObject: true, translateTime: 'SYS:HH:MM:ss.l', messageFormat: sentence });
  return { write: (line) => options.write(format(line)) };
}

/** The message, then its fields as `name=value`. */
function sentence(record: Record<string, unknown>, messageKey: string): string {
  const fields = Object.entries(record).filter(([key]) => !reserved.has(key));
  return [String(record[messageKey]), ...fields.map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)].join('  ');
}

const reserved: ReadonlySet<string> = new Set(['level', 'time', 'msg']);
