import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import type { Kind } from '../port.ts';
import type { Disk } from './disk.ts';
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

/** Makes the folder of requests, closed to others, and answers what follows it. Needs a scan before anything is in force. */
export async function openRequests(out: string, disk: Disk, parts: Omit<ConstructorParameters<typeof ManifestObjects>[0], 'kinds'>, monotonicMs: () => number): Promise<{ readonly objects: ManifestObjects; readonly source: ManifestSource; readonly problems: readonly string[] }> {
  const root = join(out, requestsFolder);
  if (!(await disk.makeFolder(root, folderMode))) await chmod(root, folderMode);
  await disk.syncFolder(out);
  const objects = new ManifestObjects({ ...parts, kinds: requestKinds });
  const problems = await objects.load();
  const source = new ManifestSource({ root, called: 'the folder of requests', prefix: `${requestsFolder}/`, refuses: whyNoRequest }, objects, monotonicMs);
  return { objects, source, problems };
}
