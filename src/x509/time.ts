import { MtlsdError } from '../errors/index.ts';
import { DerError, type DerReader, tag } from './der-reader.ts';

const msPerSecond = 1000;
const firstMs = Date.UTC(1950, 0, 1);
const generalizedFromMs = Date.UTC(2050, 0, 1);
const endMs = Date.UTC(9999, 11, 31, 23, 59, 59);

/** The whole second that `ms` lies in: certificates know nothing finer. */
export function wholeSecondMs(ms: number): number {
  return Math.floor(ms / msPerSecond) * msPerSecond;
}

/** ISO 8601 to the second, for messages. */
export function isoTime(ms: number): string {
  return Number.isFinite(ms) && Math.abs(ms) < 8.64e15 ? `${new Date(ms).toISOString().slice(0, 19)}Z` : `${ms} ms`;
}

/**
 * RFC 5280 §4.1.2.5: UTCTime up to 2049, GeneralizedTime from 2050, both in whole seconds and UTC. `ms` is cut down to
 * its second. Throws X509_VALIDITY outside 1950 to 9999.
 */
export function encodeTime(ms: number): Uint8Array {
  if (!(ms >= firstMs && ms < endMs + msPerSecond)) {
    throw new MtlsdError('X509_VALIDITY', `A certificate cannot express the time ${isoTime(ms)}: it lies outside the years 1950 to 9999.`);
  }
  const date = new Date(ms);
  const generalized = ms >= generalizedFromMs;
  const encoded = new Uint8Array(generalized ? 17 : 15);
  encoded[0] = generalized ? tag.generalizedTime : tag.utcTime;
  encoded[1] = encoded.length - 2;
  const year = date.getUTCFullYear();
  let at = 2;
  const pair = (value: number): void => {
    encoded[at] = 0x30 + Math.floor(value / 10);
    encoded[at + 1] = 0x30 + (value % 10);
    at += 2;
  };
  if (generalized) pair(Math.floor(year / 100));
  pair(year % 100);
  pair(date.getUTCMonth() + 1);
  pair(date.getUTCDate());
  pair(date.getUTCHours());
  pair(date.getUTCMinutes());
  pair(date.getUTCSeconds());
  encoded[at] = 0x5a;
  return encoded;
}

/** Reads a Time as RFC 5280 §4.1.2.5 demands it (`Z`, with seconds, the right type for its year), in milliseconds. */
export function readTime(reader: DerReader): number {
  const element = reader.any();
  const generalized = element.tag === tag.generalizedTime;
  if (!generalized && element.tag !== tag.utcTime) throw new DerError(`time expected at offset ${element.start}`);
  const text = Buffer.from(reader.content(element)).toString('latin1');
  if (!(generalized ? /^[0-9]{14}Z$/ : /^[0-9]{12}Z$/).test(text)) throw new DerError(`time is not in UTC with seconds at offset ${element.start}`);
  const digits = generalized ? text : `${text < '5' ? '20' : '19'}${text}`;
  const part = (from: number, to: number): number => Number(digits.slice(from, to));
  const [year, month, day] = [part(0, 4), part(4, 6), part(6, 8)];
  const ms = Date.UTC(year, month - 1, day, part(8, 10), part(10, 12), part(12, 14));
  // Date.UTC carries 31 February or 24:00 over into what follows: only what comes back unchanged was a time.
  const canonical = isoTime(ms).replace(/[-:TZ]/g, '');
  if (canonical !== digits.slice(0, 14)) throw new DerError(`no such time at offset ${element.start}`);
  if (generalized !== ms >= generalizedFromMs) throw new DerError(`wrong type of time for its year at offset ${element.start}`);
  return ms;
}
