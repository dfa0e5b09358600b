import { gunzipSync } from 'node:zlib';
import { Command, Option } from 'commander';
import { anchorFromText, readStateFolder } from '../../app/audit/known-anchor.ts';
import type { Anchored } from '../../app/audit/anchor.ts';
import type { ClusterAddress } from '../../app/overview/cluster-overview.ts';
import { createLog } from '../../app/log.ts';
import { verifyAudit } from '../../audit/index.ts';
import { readPublicKeys } from '../../rotation/receipt/index.ts';
import { exitCodes } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { readInput, unusable } from '../read-input.ts';
import { readKeys } from '../receipt/verify.ts';
import { verdictText } from './text.ts';

interface VerifyOptions extends ClusterAddress {
  readonly anchor?: string;
  readonly state?: string;
  readonly out?: string;
  readonly namespace: string;
  readonly key?: string;
  readonly recent?: boolean;
  readonly output: 'text' | 'json';
}

const auditLog = { mebibytesMax: 256, what: 'an audit log', example: 'audit.jsonl', mayBeEmpty: true };
const anchorFile = { mebibytesMax: 4, what: 'an anchor', example: 'audit-heads.json' };

/** `mtlsd audit`: audit logs, wherever they lie. */
export function auditCommand(io: CliIo): Command {
  return new Command('audit').description('Verify audit logs.').helpCommand(false).addCommand(verifyCommand(io));
}

function verifyCommand(io: CliIo): Command {
  return new Command('verify')
    .description('Is this audit log what was written: no line removed, changed or reordered, no tail cut, no replica missing.')
    .argument('[files...]', 'files of the log, of one replica or many, in any order, compressed by gzip or not; or - for standard input (default: those of --state or --out)')
    .option('--anchor <file>', 'how far each replica had come: a copy of the ConfigMap mtlsd-audit-heads, or of audit-heads.json')
    .option('--state <folder>', 'the state folder of `mtlsd run`: its anchor, and its files where none are named')
    .option('--out <folder>', 'the same, by the folder that `mtlsd run` writes to')
    .option('--kubeconfig <file>', 'the anchor of a cluster: how to reach its API server')
    .option('--context <name>', 'the anchor of a cluster: a context of the kubeconfig')
    .option('--namespace <name>', "mtlsd's own namespace there", 'mtlsd-system')
    .option('--key <file>', 'public keys that you trust, PEM (default: those beside the anchor)')
    .option('--recent', 'the files begin later than the log does: what is missing before them is no finding')
    .addOption(new Option('--output <format>', 'how it is printed').choices(['text', 'json']).default('text'))
    .action((files: readonly string[], options: VerifyOptions) => verify(io, files, options));
}

async function verify(io: CliIo, named: readonly string[], options: VerifyOptions): Promise<void> {
  const known = await knowledgeOf(io, options);
  const files = named.length > 0 ? named : known.files;
  const inputs = await readLogs(io, files);
  const { recent = false } = options;
  const trusted = options.key === undefined ? undefined : await readKeys(io, options.key);
  const anchored = known.anchored === undefined ? [] : readPublicKeys(known.anchored.publicKeys);
  const keys = trusted ?? (anchored.length === 0 ? undefined : anchored);
  const verdict = verifyAudit(inputs, {
    anchor: known.anchored?.heads,
    keys: keys === undefined ? undefined : new Map(keys.map(({ keyId, pem }) => [keyId, pem])),
    recent,
  });
  const told = { ...verdict, recent, isAnchorKnown: known.anchored !== undefined, keys: keys === undefined ? 'none' : trusted === undefined ? 'anchor' : 'trusted' } as const;
  io.stdout(options.output === 'json' ? `${JSON.stringify(told, undefined, 2)}\n` : verdictText(told, io.isTerminal));
  if (verdict.findings.length > 0) io.setExitCode(exitCodes.no);
}

async function readLogs(io: CliIo, files: readonly string[]): Promise<readonly { readonly name: string; readonly text: string }[]> {
  if (files.length === 0) throw unusable('files', 'No file of an audit log is named: give them, or --state or --out of mtlsd run.');
  const inputs: { readonly name: string; readonly text: string }[] = [];
  for (const name of files) inputs.push({ name, text: await readLog(io, name) });
  if (inputs.every(({ text }) => text === '')) throw unusable('files', `${files.join(', ')}: there is nothing in it. Give an audit log.`);
  return inputs;
}

/** A file of a log, compressed by gzip or not. One that is empty, as after a rotation, is none the worse for it. */
async function readLog(io: CliIo, name: string): Promise<string> {
  const bytes = await readInput(io, 'files', name, auditLog);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return Buffer.from(bytes).toString('utf8');
  try {
    return gunzipSync(bytes, { maxOutputLength: auditLog.mebibytesMax * 1024 * 1024 }).toString('utf8');
  } catch (error) {
    throw unusable('files', `${name} cannot be decompressed, or is larger than ${auditLog.mebibytesMax} MiB: give it whole, or as its parts.`, error);
  }
}

/** The anchor, from the one place that is named; and the files of a state folder. */
async function knowledgeOf(io: CliIo, { anchor, state, out, kubeconfig, context, namespace }: VerifyOptions): Promise<{ readonly anchored: Anchored | undefined; readonly files: readonly string[] }> {
  const isCluster = kubeconfig !== undefined || context !== undefined;
  if ([anchor !== undefined, state !== undefined, out !== undefined, isCluster].filter(Boolean).length > 1) throw unusable('--anchor', 'More than one anchor is named: give one of --anchor, --state, --out and --kubeconfig or --context.');
  if (anchor !== undefined) {
    const anchored = anchorFromText(Buffer.from(await readInput(io, '--anchor', anchor, anchorFile)).toString('utf8'));
    if (anchored === undefined) throw unusable('--anchor', `${anchor} is no anchor: give the ConfigMap mtlsd-audit-heads as kubectl prints it, or audit-heads.json.`);
    return { anchored, files: [] };
  }
  const folder = state ?? (out === undefined ? undefined : `${out.replace(/\/+$/u, '')}.state`);
  if (folder !== undefined) return readStateFolder(folder);
  if (!isCluster) return { anchored: undefined, files: [] };
  const log = createLog({ format: 'text', level: 'error', colour: false, write: io.stderr });
  const address = { namespace, ...(kubeconfig === undefined ? {} : { kubeconfig }), ...(context === undefined ? {} : { context }) };
  // Loaded when it is needed: the Kubernetes client takes longer to load than all the rest.
  const { readClusterAnchor } = await import('../../app/audit/cluster-anchor.ts');
  return { anchored: await readClusterAnchor(address, log), files: [] };
}
