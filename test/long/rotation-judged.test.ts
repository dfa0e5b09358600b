/**
 * Rotations before judges that nobody here wrote: what the daemon delivers is kept while it is killed at every gate, and every
 * leaf is judged against every bundle that a workload may have had then. `npm run test:long`.
 */
import { X509Certificate } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keyAlgorithms } from '../../src/x509/index.ts';
import { readIdentity } from '../conformance/identity-folder.ts';
import { panelEntries } from '../conformance/judges/panels.ts';
import { FolderRotations } from '../rotation-live/folder-rotations.ts';
import { complaints, type Leaf, type Meeting } from '../rotation-live/judged.ts';
import { RequestedRotation } from '../rotation-live/requested-rotation.ts';
import { identity, Sandbox, trustDomain } from '../standalone/sandbox.ts';

const domain = 'judged.example';
const identities = keyAlgorithms.flatMap((algorithm) => Array.from({ length: 3 }, (_, index) => ({ algorithm, name: `${algorithm.toLowerCase()}-${index}` })));

/** What identities have had, as it was delivered. */
class Delivered {
  /** A place of a rotation, with what was there at the place before as well: a workload may be as late as that. */
  readonly meetings: Meeting[] = [];
  /** Leaves by the serial number of each, files of bundles by what is in them. */
  readonly leaves = new Map<string, Leaf>();
  readonly bundles = new Map<string, string>();
  readonly #sandbox: Sandbox;
  readonly #kept: string;
  #before: Pick<Meeting, 'leaves' | 'bundles'> = { leaves: [], bundles: [] };

  constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox;
    this.#kept = join(sandbox.root, 'kept');
    mkdirSync(this.#kept);
  }

  look(title: string): void {
    const read = identities.map(({ algorithm, name }) => ({ algorithm, name, ...readIdentity(join(this.#sandbox.out, 'identities/shop', name)) }));
    const leaves = read.map(({ algorithm, name, chain, key }) => this.#leaf({ algorithm, name, chain, key }));
    const bundles = [...new Set(read.map(({ roots }) => this.#bundle(roots)))];
    const meeting = { title, leaves: [...new Set([...this.#before.leaves, ...leaves])], bundles: [...new Set([...this.#before.bundles, ...bundles])] };
    this.#before = { leaves, bundles };
    // At most places of a rotation nothing is other than at the one before.
    if (!this.meetings.some((known) => isDeepStrictEqual([known.leaves, known.bundles], [meeting.leaves, meeting.bundles]))) this.meetings.push(meeting);
  }

  /** @param text with what is in its files */
  #leaf(text: Leaf): Leaf {
    const { serialNumber } = new X509Certificate(text.chain);
    const leaf = this.leaves.get(serialNumber) ?? { ...text, chain: this.#write(`${serialNumber}.crt`, text.chain), key: this.#write(`${serialNumber}.key`, text.key) };
    this.leaves.set(serialNumber, leaf);
    return leaf;
  }

  #bundle(roots: string): string {
    const file = this.bundles.get(roots) ?? this.#write(`bundle-${this.bundles.size}.pem`, roots);
    this.bundles.set(roots, file);
    return file;
  }

  #write(name: string, content: string): string {
    const file = join(this.#kept, name);
    writeFileSync(file, content, { mode: 0o600 });
    return file;
  }
}

describe('rotations before judges that nobody here wrote', () => {
  let sandbox: Sandbox;
  let delivered: Delivered;

  beforeAll(async () => {
    sandbox = new Sandbox();
    sandbox.write('shop.yaml', trustDomain(domain, { rotation: { propagationBound: '1s', consumerReload: '1s' } }), ...identities.map(({ algorithm, name }) => identity(name, { keyAlgorithm: algorithm })));
    let daemon = sandbox.start();
    for (const { name } of identities) await sandbox.issued(name);
    delivered = new Delivered(sandbox);
    delivered.look('before');
    const rotate = async (name: string, abortAt?: string): Promise<string> => {
      const rotation = await RequestedRotation.of(new FolderRotations(sandbox), name, domain);
      return rotation.follow(async (place) => {
        delivered.look(`${name} at ${place}`);
        await daemon.stop('SIGKILL');
        daemon = sandbox.start();
        if (place === abortAt) await rotation.abort();
      });
    };
    expect([await rotate('early', 'Confirm/Loaded'), await rotate('late', 'Reissue/Reissued'), await rotate('whole')]).toEqual(['Aborted', 'Aborted', 'Complete']);
    delivered.look('after');
    await daemon.stop();
    console.log(`${delivered.leaves.size} leaves, ${delivered.bundles.size} bundles, ${delivered.meetings.length} ways in which they met`);
  }, 600_000);
  afterAll(async () => sandbox?.[Symbol.asyncDispose]());

  test.for(panelEntries)('$title accepts every leaf that was in use against every bundle that was', { timeout: 900_000 }, async ({ title, open }) => {
    await using panel = await open(process.env);
    for (const meeting of delivered.meetings) {
      // keytool installs one root at a time: it is asked where there is one.
      const bundles = title === 'keytool' && meeting.bundles.length > 1 ? [] : meeting.bundles;
      expect([meeting.title, await complaints(panel, domain, { ...meeting, bundles })]).toEqual([meeting.title, []]);
    }
  });
});
