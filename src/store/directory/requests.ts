import { chmod, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { keyOf } from '../object-key.ts';
import type { Kind } from '../port.ts';
import type { Incoming } from '../revision.ts';
import { alreadyExists } from '../store-errors.ts';
import { replaceFile } from './atomic-file.ts';
import type { Disk } from './disk.ts';
import { asStoreError } from './failures.ts';
import { ManifestObjects } from './manifest-objects.ts';
import { ManifestSource } from './manifest-source.ts';

/** The folder, in the output folder, of what people ask the running mtlsd for. Its owner alone may. */
export const requestsFolder = 'requests';
const folderMode = 0o700;

/** The kinds that are asked for there: what is done once, where the folder of manifests says what is to be at all times. */
const requestKinds: readonly Kind[] = ['CARotation'];

/** Why an object of that kind cannot be in the folder of manifests; undefined when it can. */
export function whyRequest(kind: Kind): string | undefined {
  return requestKinds.includes(kind) ? `a ${kind} is done once, and does not belong among what is to be at all times: put it into ${requestsFolder}/ of the output folder, as \`mtlsd rotate\` does` : undefined;
}

/** The other way round. */
function whyNoRequest(kind: Kind): string | undefined {
  return requestKinds.includes(kind) ? undefined : `a ${kind} belongs into the folder of manifests: only ${requestKinds.join(', ')} can be asked for here`;
}

/** The folder of requests, with what follows it. */
interface Requests {
  readonly objects: ManifestObjects;
  readonly source: ManifestSource;
  /** Status files that cannot be used. */
  readonly problems: readonly string[];
  /** Puts a request there, as a person does. @throws STORE_ALREADY_EXISTS when one of its name lies there, STORE_UNAVAILABLE */
  ask(object: Incoming): Promise<void>;
}

/** Makes the folder of requests, closed to others, and answers what follows it. Needs a scan before anything is in force. */
export async function openRequests(out: string, disk: Disk, tag: () => string, parts: Omit<ConstructorParameters<typeof ManifestObjects>[0], 'kinds'>, monotonicMs: () => number): Promise<Requests> {
  const root = join(out, requestsFolder);
  if (!(await disk.makeFolder(root, folderMode))) await chmod(root, folderMode);
  await disk.syncFolder(out);
  const objects = new ManifestObjects({ ...parts, kinds: requestKinds });
  const problems = await objects.load();
  const source = new ManifestSource({ root, called: 'the folder of requests', prefix: `${requestsFolder}/`, refuses: whyNoRequest }, objects, monotonicMs);
  const ask = async (object: Incoming): Promise<void> => {
    const key = keyOf(object as Incoming & { readonly kind: Kind });
    const path = join(root, `${key.name}.yaml`);
    if (await stat(path).then(() => true, () => false)) throw alreadyExists(key);
    try {
      await replaceFile(disk, path, Buffer.from(stringify(object, { lineWidth: 0 }), 'utf8'), { mode: 0o600 }, tag());
    } catch (error) {
      throw asStoreError(key, path, error);
    }
  };
  return { objects, source, problems, ask };
}
