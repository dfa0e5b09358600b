import { MtlsdError } from '../errors/index.ts';
import { DerError, type DerReader, tag } from './der-reader.ts';

const msPerSecond = 1000;
/** `Z` */
const zulu = 0x5a;
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

/** The number that the two digits at `at` write, or NaN. */
function pairAt(bytes: Uint8Array, at: number): number {
  const tens = (bytes[at] ?? 0) - 0x30;
  const ones = (bytes[at + 1] ?? 0) - 0x30;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

/** Whether `ms` lies on that day: Date.UTC carries 31 February over into March, and takes the year 99 for 1999. */
function isDate(ms: number, year: number, month: number, day: number): boolean {
  const read = new Date(ms);
  return read.getUTCFullYear() === year && read.getUTCMonth() === month - 1 && read.getUTCDate() === day;
}

/** Reads a Time as RFC 5280 §4.1.2.5 demands it (`Z`, with seconds, the right type for its year), in milliseconds. */
export function readTime(reader: DerReader): number {
  const element = reader.any();
  const generalized = element.tag === tag.generalizedTime;
  if (!generalized && element.tag !== tag.utcTime) throw new DerError(`time expected at offset ${element.start}`);
  const { bytes } = reader;
  // Every certificate has two of these, and strings and regular expressions made half of what reading one cost.
  const rest = element.content + (generalized ? 4 : 2);
  const [shortYear, month, day] = [pairAt(bytes, rest - 2), pairAt(bytes, rest), pairAt(bytes, rest + 2)];
  const century = generalized ? pairAt(bytes, element.content) : shortYear < 50 ? 20 : 19;
  const [hour, minute, second] = [pairAt(bytes, rest + 4), pairAt(bytes, rest + 6), pairAt(bytes, rest + 8)];
  const ms = Date.UTC(century * 100 + shortYear, month - 1, day, hour, minute, second);
  if (Number.isNaN(ms) || element.end !== rest + 11 || bytes[rest + 10] !== zulu) {
    throw new DerError(`time is not in UTC with seconds at offset ${element.start}`);
  }
  if (!isDate(ms, century * 100 + shortYear, month, day) || hour > 23 || minute > 59 || second > 59) {
    throw new DerError(`no such time at offset ${element.start}`);
  }
  if (generalized !== ms >= generalizedFromMs) throw new DerError(`wrong type of time for its year at offset ${element.start}`);
  return ms;
}
