import { Command, Option } from 'commander';
import {
  parseSpiffeBundle,
  parseSpiffeId,
  parseTrustDomainName,
  type Refused,
  type SpiffeId,
  type TrustDomainName,
  type Validated,
  validateX509Svid,
} from '../spiffe/index.ts';
import { type Certificate, parseCertificate, verifySignature } from '../x509/index.ts';
import { rolesOf, severalLeavesProblem } from './certificate-report.ts';
import { exitCodes } from './exit-codes.ts';
import { readBundle } from './inspect-report.ts';
import type { CliIo } from './io.ts';
import { chainOfKeystore } from './keystore-chain.ts';
import { spoken } from './overview-text.ts';
import { unusable } from './read-input.ts';
import { readFileSource, readSource, sourceName, type SourceOptions } from './source.ts';
import { painter, printable, timeText } from './terminal-text.ts';

interface VerifyOptions extends SourceOptions {
  readonly bundle: string;
  readonly alias?: string;
  readonly spiffeId?: string;
  readonly trustDomain?: string;
  readonly at?: string;
  readonly output: 'text' | 'json';
}

/** `mtlsd verify`: a strict validation of an X.509-SVID against the bundle of one trust domain. */
export function verifyCommand(io: CliIo): Command {
  return new Command('verify')
    .description('Validate an X.509-SVID strictly against a trust bundle, and say which rule fails.')
    .argument('<file>', 'the chain in PEM (leaf first; a private key in it is left alone), one DER certificate or a PKCS#12 keystore; - for standard input; tls://HOST:PORT for what a server presents')
    .requiredOption('--bundle <file>', 'roots of the trust domain: PEM (ca.crt), DER, a PKCS#12 trust store, or a SPIFFE bundle in JSON')
    .option('--password-file <file>', 'the password of a PKCS#12 keystore or trust store; one line break at its end does not count')
    .option('--alias <name>', 'which key of a PKCS#12 keystore is meant, when it has several')
    .option('--server-name <name>', 'what the server is asked for (SNI); default: HOST, unless it is an address')
    .option('--client-identity <file>', 'what a server is given that asks for a client certificate: PEM with key and chain (credential-bundle.pem)')
    .addOption(new Option('--spiffe-id <id>', 'accept this SPIFFE ID only').conflicts('trustDomain'))
    .option('--trust-domain <name>', "whose bundle it is; default: the leaf's own, so the bundle is taken for that of any trust domain")
    .option('--at <time>', 'validate as of this time (RFC 3339, such as 2026-11-25T10:00:00Z) instead of now')
    .addOption(new Option('--output <format>', 'how it is printed').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      `
The chain is taken as it stands: each certificate issued by the next, the last
by a root of the bundle, no other one in between. Times are exact, without
leeway. RSA below 2,048 bits and signatures by SHA-1 or MD5 are refused. The
status is 1 when the chain is refused, 2 when the input cannot be read, and 3
when a server cannot be reached.`,
    )
    .action((file: string, options: VerifyOptions) => verify(io, file, options));
}

const rfc3339 = /^(\d{4}-\d{2}-\d{2})(?:[Tt]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:[Zz]|[+-]\d{2}:\d{2}))?$/u;

/** Milliseconds since the epoch. A day that a month does not have is refused, rather than taken for one of the next month. */
function parseTime(text: string): number {
  const [, day] = rfc3339.exec(text) ?? [];
  const midnight = day === undefined ? Number.NaN : Date.parse(`${day}T00:00:00Z`);
  const ms = Date.parse(text.toUpperCase());
  if (day !== undefined && !Number.isNaN(ms) && !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(day)) return ms;
  throw unusable('--at', `--at ${printable(text)} is no time: write it as 2026-11-25T10:00:00Z, with the zone (Z or +01:00).`);
}

/** What the caller asked for: one ID, one trust domain, or whatever the leaf says. */
interface Wanted {
  readonly spiffeId: SpiffeId | undefined;
  readonly trustDomain: TrustDomainName | undefined;
}

function wantedBy({ spiffeId, trustDomain }: VerifyOptions): Wanted {
  if (spiffeId === undefined) return { spiffeId: undefined, trustDomain: trustDomain === undefined ? undefined : parseTrustDomainName(trustDomain) };
  const id = parseSpiffeId(spiffeId);
  if (id.path !== '') return { spiffeId: id, trustDomain: id.trustDomain };
  throw unusable('--spiffe-id', `--spiffe-id ${spiffeId} is the ID of a trust domain: name a workload, or use --trust-domain ${id.trustDomain}.`);
}

/** The trust domain that a leaf claims: a claim only, until the chain is validated. */
function claimedTrustDomain(leaf: Certificate | undefined): TrustDomainName | undefined {
  const [, name] = /^spiffe:\/\/([a-z0-9._-]{1,255})(?:\/|$)/u.exec(leaf?.subjectAltName?.uris[0] ?? '') ?? [];
  return name === undefined ? undefined : parseTrustDomainName(name);
}

/** A leaf without a SPIFFE ID is refused before any bundle is looked at: this name is never compared or shown. */
const noTrustDomain = parseTrustDomainName('none');

async function readChain(io: CliIo, file: string, options: VerifyOptions): Promise<readonly Certificate[]> {
  const name = file === '-' ? 'Standard input' : file;
  const source = await readSource(io, file, options);
  if (source.kind === 'bundle') throw unusable('FILE', `${name} is a JSON document: name the chain here, and the bundle by --bundle.`);
  if (source.kind === 'keystore') return chainOfKeystore(name, source.content, options.alias);
  if (options.alias !== undefined) throw unusable('--alias', `--alias is for PKCS#12 keystores, and ${name} is none: leave the option out.`);
  if (source.certificates.length === 0) {
    const other = source.kind === 'credentials' && source.keys.length > 0 ? 'a private key' : 'a request';
    throw unusable('FILE', `${name} holds no certificate (but ${other}): name the chain, such as tls.crt.`);
  }
  const problem = severalLeavesProblem(rolesOf(source.certificates));
  if (problem !== undefined) throw unusable('FILE', `${name} is not one chain. ${problem}`);
  return source.certificates;
}

async function readRoots(io: CliIo, file: string, passwordFile: string | undefined, trustDomain: TrustDomainName): Promise<readonly Certificate[]> {
  const source = await readFileSource(io, '--bundle', file, passwordFile);
  if (source.kind === 'bundle') {
    return readBundle('--bundle', file, () => parseSpiffeBundle(source.text, trustDomain).bundle.x509Roots.map((root) => parseCertificate(root)));
  }
  if (source.kind === 'keystore') {
    const { entries, trusted } = source.content;
    if (entries.length === 0 && trusted.length > 0) return trusted.map(({ certificate }) => certificate);
    const held = entries.length > 0 ? 'a private key' : 'no certificate that is marked as trusted';
    throw unusable('--bundle', `${file} holds ${held}: give a trust store of root certificates only, such as truststore.p12.`);
  }
  if (source.keys.length > 0) throw unusable('--bundle', `${file} holds a private key: give a file of root certificates only, such as ca.crt.`);
  // A chain in its place would vouch for itself.
  if (rolesOf(source.certificates).includes('leaf')) throw unusable('--bundle', `${file} holds the certificate of a workload: give a file of root certificates only, such as ca.crt.`);
  if (source.certificates.length > 0) return source.certificates;
  throw unusable('--bundle', `${file} holds no certificate: give the root certificates of the trust domain, such as ca.crt.`);
}

async function verify(io: CliIo, file: string, options: VerifyOptions): Promise<void> {
  const wanted = wantedBy(options);
  const nowMs = options.at === undefined ? io.nowMs() : parseTime(options.at);
  if (file === '-' && options.bundle === '-') throw unusable('--bundle', 'Standard input can be read once: name a file for the chain or for --bundle.');
  const chain = await readChain(io, file, options);
  const trustDomain = wanted.trustDomain ?? claimedTrustDomain(chain[0]) ?? noTrustDomain;
  const roots = await readRoots(io, options.bundle, options.passwordFile, trustDomain);
  const expected = wanted.spiffeId === undefined ? {} : { expectedId: wanted.spiffeId };
  const result = validateX509Svid(chain, { trustDomain, roots }, { nowMs, verifySignature, ...expected });
  const answer = { file, nowMs, result, assumedTrustDomain: wanted.trustDomain === undefined };
  io.stdout(options.output === 'json' ? jsonAnswer(answer) : textAnswer(answer, io));
  if (!result.valid) io.setExitCode(exitCodes.no);
}

interface Answer {
  readonly file: string;
  readonly nowMs: number;
  readonly result: Validated | Refused;
  /** Whether nobody said whose bundle it is. */
  readonly assumedTrustDomain: boolean;
}

function jsonAnswer({ nowMs, result, assumedTrustDomain }: Answer): string {
  const at = new Date(nowMs).toISOString();
  const answer = result.valid
    ? {
        valid: true,
        at,
        spiffeId: result.spiffeId.toString(),
        trustDomain: result.spiffeId.trustDomain,
        assumedTrustDomain,
        validUntil: new Date(result.validUntilMs).toISOString(),
        path: result.path.map(({ subject, serialNumber }) => ({ subject: subject.text, serialNumber })),
      }
    : { valid: false, at, reasons: result.reasons };
  return `${JSON.stringify(answer, undefined, 2)}\n`;
}

function textAnswer({ file, nowMs, result, assumedTrustDomain }: Answer, io: CliIo): string {
  const paint = painter(io.isTerminal);
  const name = printable(sourceName(file));
  if (!result.valid) {
    const lines = result.reasons.map(({ rule, code, sentence }) => `  ${paint('bad', '✗')} ${printable(sentence)} ${paint('faint', `(${rule}; ${code})`)}\n`);
    return `${paint('bad', 'refused')}  ${name}\n${lines.join('')}`;
  }
  const { spiffeId, validUntilMs, path } = result;
  const left = spoken(Math.floor((validUntilMs - nowMs) / 1000));
  const assumed = assumedTrustDomain
    ? `  The trust domain ${spiffeId.trustDomain} is the leaf's own claim: --trust-domain says whose bundle it is, --spiffe-id who is expected.\n`
    : '';
  return `${paint('good', 'valid')}  ${name}: ${paint('strong', spiffeId.toString())}\n  ${path.length} certificates up to the root ${printable(path.at(-1)?.subject.text ?? '')}, until ${timeText(validUntilMs)} (${left})\n${assumed}`;
}
