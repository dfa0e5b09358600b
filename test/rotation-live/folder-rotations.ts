import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { CARotationSpec, CARotationStatus } from '../../src/resources/index.ts';
import type { Sandbox } from '../standalone/sandbox.ts';
import { rootsIn, type Rotations } from './stage.ts';

/** Rotations of an `mtlsd run`, by its folders. */
export class FolderRotations implements Rotations {
  readonly #sandbox: Sandbox;

  constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox;
  }

  async roots(domain: string): Promise<readonly string[]> {
    const { data } = JSON.parse(readFileSync(this.#sandbox.record(domain), 'utf8')) as { data: Record<string, string> };
    return Promise.resolve(rootsIn(Buffer.from(data['record.json'] ?? '', 'base64').toString('utf8')));
  }

  async request(name: string, spec: CARotationSpec): Promise<void> {
    const file = join(this.#sandbox.root, `${name}.new`);
    writeFileSync(file, JSON.stringify({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'CARotation', metadata: { name }, spec }), { mode: 0o600 });
    renameSync(file, join(this.#sandbox.out, 'requests', `${name}.json`));
    return Promise.resolve();
  }

  async status(name: string): Promise<CARotationStatus | undefined> {
    const text = readFileSync(join(this.#sandbox.out, 'status/CARotation', `${name}.yaml`), 'utf8');
    return Promise.resolve((parse(text) as { status?: CARotationStatus }).status);
  }
}
