import { createHash, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import type { Chain } from './chain.ts';
import { encodeLine, parseLine, type AuditLine } from './line.ts';

/** The key that signs checkpoints. */
export interface CheckpointKey {
  /** SHA-256 over the SubjectPublicKeyInfo, hexadecimal. */
  readonly keyId: string;
  /** ECDSA over P-256. */
  readonly privateKey: KeyObject;
}

/** A line that signs what stands before it. */
export interface Checkpoint {
  readonly line: AuditLine;
  readonly keyId: string;
  /** ECDSA over P-256 with SHA-256, DER, base64. */
  readonly signature: string;
}

/** What a public key is called by checkpoints. */
export function checkpointKeyId(key: KeyObject): string {
  return createHash('sha256').update(key.export({ type: 'spki', format: 'der' })).digest('hex');
}

/** Writes a checkpoint. What is signed is the line itself, without its field `signature`. */
export function signCheckpoint(chain: Chain, key: CheckpointKey, nowMs: number): string {
  const content = { decision: 'checkpoint', keyId: key.keyId };
  return chain.next(content, nowMs, (place) => ({ ...content, signature: sign('sha256', Buffer.from(encodeLine(place, content), 'utf8'), key.privateKey).toString('base64') }));
}

/** The checkpoint that a line is; undefined for any other. */
export function asCheckpoint(line: AuditLine): Checkpoint | undefined {
  const { keyId, signature } = line.content;
  return line.decision === 'checkpoint' && typeof keyId === 'string' && typeof signature === 'string' ? { line, keyId, signature } : undefined;
}

/** Reads the text of a checkpoint; undefined when it is none. */
export function readCheckpoint(text: string): Checkpoint | undefined {
  const line = parseLine(text);
  return line === undefined || 'problem' in line || line.text !== text ? undefined : asCheckpoint(line);
}

/** Whether the holder of the key signed it. */
export function isSigned({ line, signature }: Checkpoint, publicKeyPem: string): boolean {
  const { signature: _signature, chain, sequence, previous, time, audit: _audit, ...content } = line.content;
  try {
    const text = encodeLine({ chain, sequence, previous, time } as AuditLine, content as Parameters<typeof encodeLine>[1]);
    return verify('sha256', Buffer.from(text, 'utf8'), createPublicKey(publicKeyPem), Buffer.from(signature, 'base64'));
  } catch {
    return false;
  }
}
