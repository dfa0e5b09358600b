/** Where the pod template of an object is, by kind: the path to it. A Pod is its own. */
const places: Readonly<Record<string, readonly string[]>> = {
  Pod: [],
  PodTemplate: ['template'],
  Deployment: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  ReplicationController: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
};

/** The API groups of these kinds: a kind of the same name in another group is none of them. */
const apiVersions: ReadonlySet<string> = new Set(['v1', 'apps/v1', 'batch/v1']);

/** An object in a manifest that has pods. */
export interface PodOwner {
  /** `Deployment shop/cart`, for people. */
  readonly name: string;
  /** From the document to its pod or pod template. */
  readonly path: readonly (string | number)[];
  readonly template: unknown;
}

/** Every object with a pod template in a document, which may be a List of them. */
export function podOwnersIn(document: unknown): readonly PodOwner[] {
  if (!isRecord(document)) return [];
  const { kind, items } = document;
  if (typeof kind !== 'string') return [];
  if (kind.endsWith('List') && Array.isArray(items)) {
    // The items of a DeploymentList need not say what they are.
    const item = { apiVersion: document['apiVersion'], kind: kind.slice(0, -'List'.length) };
    return items.flatMap((each: unknown, index) => podOwnersIn(isRecord(each) ? { ...item, ...each } : each).map((owner) => ({ ...owner, path: ['items', index, ...owner.path] })));
  }
  const path = apiVersions.has(String(document['apiVersion'])) ? places[kind] : undefined;
  if (path === undefined) return [];
  return [{ name: nameOf(kind, document['metadata']), path, template: path.reduce<unknown>((value, key) => (isRecord(value) ? value[key] : undefined), document) }];
}

/** Whether a value is a map, and not a list. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function nameOf(kind: string, metadata: unknown): string {
  const { namespace, name, generateName } = isRecord(metadata) ? metadata : {};
  const own = typeof name === 'string' ? name : typeof generateName === 'string' ? `${generateName}*` : 'without a name';
  return `${kind} ${typeof namespace === 'string' ? `${namespace}/` : ''}${own}`;
}
