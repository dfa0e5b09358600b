import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { Chain, checkpointKeyId, noHeads, signCheckpoint, verifyAudit, withHead, type AuditHeads, type AuditVerdict } from '../../src/audit/index.ts';

const startMs = 1_800_000_000_000;

/** A key that signs checkpoints, made anew. */
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const { privateKey } = pair;
export const pemOf = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' });
export const keyId = checkpointKeyId(pair.publicKey);
/** Its public half. */
export const pem = pemOf(pair.publicKey);
const keys: ReadonlyMap<string, string> = new Map([[keyId, pem]]);

/** What a process wrote: its lines, and its last checkpoint. */
export interface Written {
  readonly chain: Chain;
  readonly lines: readonly string[];
  readonly checkpoints: readonly string[];
}

/** Writes a chain as a process does: a start, decisions, and a checkpoint behind each `every` of them. */
export function written(id: string, decisions: number, every: number, start: object = {}): Written {
  const chain = new Chain(id);
  const lines = [chain.next({ decision: 'chain-started', ...start }, startMs)];
  const checkpoints: string[] = [];
  for (let index = 1; index <= decisions; index += 1) {
    lines.push(chain.next({ decision: index % 7 === 0 ? 'refused' : 'issued', object: `WorkloadIdentity shop/w${index}`, serialNumber: `0${index}` }, startMs + index * 1000));
    if (index % every !== 0) continue;
    checkpoints.push(signCheckpoint(chain, { keyId, privateKey }, startMs + index * 1000));
    lines.push(checkpoints.at(-1) ?? '');
  }
  return { chain, lines, checkpoints };
}

/** An anchor with the last checkpoint of each. */
export function anchorOf(...all: readonly Written[]): AuditHeads {
  return all.reduce((heads, { checkpoints }) => withHead(heads, checkpoints.at(-1) ?? ''), noHeads);
}

/** Verifies files, each given by its lines. */
export function verify(files: readonly (readonly string[])[], anchor?: AuditHeads, options: { readonly keys?: ReadonlyMap<string, string> | undefined; readonly recent?: boolean } = {}): AuditVerdict {
  const inputs = files.map((lines, index) => ({ name: `file${index}`, text: lines.map((line) => `${line}\n`).join('') }));
  return verifyAudit(inputs, { anchor, keys: 'keys' in options ? options.keys : keys, recent: options.recent ?? false });
}
