import { isIP } from 'node:net';
import { domainToASCII, domainToUnicode } from 'node:url';
import { MtlsdError } from '../errors/index.ts';
import { quote, shorten } from './quote.ts';

/** A DNS name as it stands in a certificate: ASCII, lower case, whole, no wildcard (RFC 5280 §4.2.1.6, RFC 1123 §2.1). */
export type DnsName = string & { readonly __brand: 'DnsName' };

const nameLengthMax = 253;
const labelLengthMax = 63;

function labelProblem(label: string): string | undefined {
  if (label === '') return 'it has an empty label: write exactly one dot between two labels and none in front';
  if (label.length > labelLengthMax) {
    return `its label ${quote(label)} has ${label.length} characters: shorten it to ${labelLengthMax}`;
  }
  if (label.startsWith('-') || label.endsWith('-')) {
    return `its label ${quote(label)} starts or ends with a hyphen: leave that hyphen out`;
  }
  const [strange] = /[^a-z0-9-]/u.exec(label) ?? [];
  return strange === undefined ? undefined : `it has ${quote(strange)}: use only a-z, 0-9, "-" and dots`;
}

function unicodeProblem(text: string): string {
  const punycode = domainToASCII(text.endsWith('.') ? text.slice(0, -1) : text);
  return punycode === ''
    ? 'it has characters outside ASCII and no punycode form: use another name'
    : `it has characters outside ASCII: write its punycode form "${shorten(punycode)}"`;
}

/** Wildcards, addresses and spellings that DNS takes for the same name, each with its own way out. */
function formProblem(text: string): string | undefined {
  if (text === '') return 'it is empty: name a host, or leave the entry out';
  // The most that the punycode form of the longest name can have: what is longer is not looked at any further.
  if (text.length > nameLengthMax + 1) return `it has ${text.length} characters: shorten it to ${nameLengthMax}`;
  if (text.includes('*')) return 'it has a wildcard ("*"): list each name that is served';
  if (text.includes('://')) return 'it is a URL: write the host name alone';
  if (isIP(text) !== 0 || /^\[.*\]$/u.test(text)) {
    return 'it is an IP address: write a DNS name, since an identity must outlive the address of its pod';
  }
  if (/[^\u0020-\u007e]/u.test(text)) return unicodeProblem(text);
  if (text.endsWith('.')) return `it ends with a dot: write ${quote(text.replace(/\.+$/u, ''))}`;
  if (text.length > nameLengthMax) return `it has ${text.length} characters: shorten it to ${nameLengthMax}`;
  if (/[A-Z]/u.test(text)) return `it has upper-case letters: write ${quote(text.toLowerCase())}`;
  if (text.includes('_')) return `it has an underscore, which host names must not have: write ${quote(text.replaceAll('_', '-'))} and rename the host`;
  if (/:\d+$/u.test(text)) return `it has a port: write ${quote(text.replace(/:\d+$/u, ''))}`;
  return undefined;
}

/** What is wrong with `text` as a DNS name and what to write instead, or undefined. */
export function dnsNameProblem(text: string): string | undefined {
  const problem = formProblem(text);
  if (problem !== undefined) return problem;
  const labels = text.split('.');
  for (const label of labels) {
    const problem = labelProblem(label);
    if (problem !== undefined) return problem;
  }
  // RFC 3696 §2: no top-level name is all digits; resolvers read "10.1" and "2130706433" as IPv4 addresses.
  if (/^(?:\d+|0x[0-9a-f]*)$/u.test(labels.at(-1) ?? '')) return 'its last label is a number, so that it reads as an IP address: use a name';
  if (labels.some((label) => label.startsWith('xn--') && domainToUnicode(label) === label)) {
    return 'it has a label that starts with "xn--" but is not punycode: correct or rename it';
  }
  return undefined;
}

/**
 * The DNS name in `text`, exactly as it will stand in the certificate: nothing is corrected in silence.
 *
 * @throws MtlsdError `DNS_NAME_INVALID`, whose message says what to write instead
 */
export function parseDnsName(text: string): DnsName {
  const problem = dnsNameProblem(text);
  if (problem === undefined) return text as DnsName;
  throw new MtlsdError('DNS_NAME_INVALID', `DNS name ${quote(text)} is refused: ${problem}.`, { details: { value: shorten(text) } });
}
