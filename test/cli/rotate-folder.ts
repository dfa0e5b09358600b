import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import type { CARotation, TrustDomain, WorkloadIdentity } from '../../src/resources/index.ts';
import { captured, type Captured } from './captured.ts';
import { trustDomainFixture } from './rotate-samples.ts';

/** An output folder as `mtlsd run` leaves it, without one that runs. It goes with the scope. */
export class OutFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'mtlsd-rotate-'));

  constructor(...objects: readonly (TrustDomain | WorkloadIdentity | CARotation)[]) {
    mkdirSync(join(this.path, 'requests'), { mode: 0o700 });
    mkdirSync(join(this.path, 'status'));
    for (const object of objects.length === 0 ? [trustDomainFixture()] : objects) this.put(object);
  }

  /** Writes a status file, whole from the first look at it on, as mtlsd does. */
  put(object: TrustDomain | WorkloadIdentity | CARotation): void {
    const folder = join(this.path, 'status', object.kind, object.metadata.namespace ?? '');
    mkdirSync(folder, { recursive: true });
    const path = join(folder, `${object.metadata.name}.yaml`);
    writeFileSync(`${path}.new`, stringify(object));
    renameSync(`${path}.new`, path);
  }

  /** The request of a rotation that is under way, as it was asked for. */
  request({ apiVersion, kind, metadata, spec }: CARotation): void {
    writeFileSync(join(this.path, 'requests', `${metadata.name}.yaml`), stringify({ apiVersion, kind, metadata: { name: metadata.name }, spec }));
  }

  /** Names of the requests that lie there. */
  get requests(): readonly string[] {
    return readdirSync(join(this.path, 'requests'));
  }

  specOf(name: string): CARotation['spec'] {
    return (parse(readFileSync(join(this.path, 'requests', `${name}.yaml`), 'utf8')) as CARotation).spec;
  }

  /** What a running mtlsd does with requests: each becomes an object with a status. Ends with the signal. */
  async takeRequests(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const file of this.requests.filter((name) => name.endsWith('.yaml') && !name.startsWith('.'))) {
        const request = parse(readFileSync(join(this.path, 'requests', file), 'utf8')) as CARotation;
        const path = join(this.path, 'status/CARotation', `${request.metadata.name}.yaml`);
        const before = existsSync(path) ? (parse(readFileSync(path, 'utf8')) as CARotation).status : undefined;
        this.put({ ...request, ...(before === undefined ? {} : { status: before }), metadata: { ...request.metadata, uid: 'u', resourceVersion: '1', creationTimestamp: '2026-03-01T09:00:00Z', annotations: { 'mtlsd.io/source': file } } });
      }
      await sleep(20);
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Runs a command beside something that takes requests as a running mtlsd does. */
export async function withTaker(out: OutFolder, ...args: readonly string[]): Promise<Captured> {
  const stop = new AbortController();
  const taking = out.takeRequests(stop.signal);
  try {
    return await captured([...args, '--out', out.path]);
  } finally {
    stop.abort();
    await taking;
  }
}
