import { kindDefinitions } from '../../resources/generated/schemas.ts';
import type { StoredObject } from '../../resources/object.ts';
import type { Kind, Kinds } from '../port.ts';

/**
 * What a watch keeps of objects that are many and large: exactly the fields that the port's type of the kind has, for nobody
 * can read another. The rest of a pod, some ten kilobytes, is let go before it reaches a cache. A field that is added to
 * such a type does not compile until it is added here.
 *
 * An object of another's kind that is read by itself (`get`) is whole: whoever replaces one bases that on a read, never on a
 * watch.
 */

/** `true` keeps a value whole; an object names its fields; a list of one says what is kept of each element. */
export type Fields<T> = true | (T extends readonly (infer E)[] ? readonly [Fields<E>] : T extends object ? { readonly [F in keyof T]-?: Fields<NonNullable<T[F]>> } : never);

/** A kind's fields besides its metadata, and what of the metadata is kept besides what every object has. */
interface Kept<T extends StoredObject> {
  readonly fields: Fields<Omit<T, keyof StoredObject>>;
  /** Annotations are kept when their names begin with one of these; all of them when left out. */
  readonly annotations?: readonly string[];
}

/** In a table without types, as a reader of JSON needs it. */
type AnyFields = true | readonly [AnyFields] | { readonly [field: string]: AnyFields };

const container = {
  name: true,
  volumeMounts: [{ name: true, mountPath: true, subPath: true, subPathExpr: true }],
  env: [{ name: true }],
  securityContext: { runAsUser: true },
} as const;

const ours = ['mtlsd.io/'];

/** The table: a kind that is many and large takes a row here. */
const rows: { readonly [K in Kind]?: Kept<Kinds[K]> } = {
  ServiceAccount: { fields: {}, annotations: ours },
  Pod: {
    annotations: ours,
    fields: {
      spec: {
        serviceAccountName: true,
        nodeName: true,
        hostNetwork: true,
        securityContext: { fsGroup: true, runAsUser: true, runAsNonRoot: true },
        volumes: [
          {
            name: true,
            secret: { secretName: true, optional: true, defaultMode: true, items: true },
            configMap: { name: true },
            projected: { defaultMode: true, sources: [{ secret: { name: true, optional: true }, configMap: { name: true }, podCertificate: { signerName: true, keyType: true, maxExpirationSeconds: true, userAnnotations: true }, clusterTrustBundle: true }] },
          },
        ],
        containers: [container],
        initContainers: [container],
      },
      status: {
        phase: true,
        podIP: true,
        podIPs: [{ ip: true }],
        startTime: true,
        conditions: [{ type: true, status: true, reason: true }],
        containerStatuses: [{ name: true, state: { running: { startedAt: true } } }],
      },
    },
  },
  PodDisruptionBudget: { annotations: ours, fields: { spec: { selector: true }, status: { observedGeneration: true, disruptionsAllowed: true } } },
  Node: { annotations: ours, fields: { status: { conditions: [{ type: true, status: true, lastTransitionTime: true }] } } },
};

/** Holds a whole manifest, contents included, when a person applied it: no part of what is watched. */
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** What a status of a kind of ours can say, by the definition that this mtlsd comes with. */
const statusFields: ReadonlyMap<string, AnyFields> = new Map(
  kindDefinitions.map(({ kind, schema }) => [kind, Object.fromEntries(Object.keys(schema.properties?.['status']?.properties ?? {}).map((name) => [name, true] as const))]),
);

/** The kept part of what a watch delivers, metadata apart. What has another shape than the type says is kept as it is. */
export function keptFields(kind: Kind, rest: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const row = rows[kind];
  if (row !== undefined) return pick(rest, row.fields) as Readonly<Record<string, unknown>>;
  const known = statusFields.get(kind);
  // What a newer definition adds (a default, say) this mtlsd did not write: held against what it would write, it would never be done.
  return known === undefined || rest['status'] === undefined ? rest : { ...rest, status: pick(rest['status'], known) };
}

/** The annotations that a watch keeps; undefined when that is none. */
export function keptAnnotations(kind: Kind, annotations: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> | undefined {
  if (annotations === undefined) return undefined;
  const prefixes = rows[kind]?.annotations;
  const names = Object.keys(annotations);
  const kept = names.filter((name) => name !== lastApplied && (prefixes === undefined || prefixes.some((prefix) => name.startsWith(prefix))));
  if (kept.length === names.length) return annotations;
  return kept.length === 0 ? undefined : Object.fromEntries(kept.map((name) => [name, annotations[name] ?? '']));
}

function pick(value: unknown, fields: AnyFields): unknown {
  if (fields === true || typeof value !== 'object' || value === null) return value;
  if (isListOf(fields)) return Array.isArray(value) ? value.map((element) => pick(element, fields[0])) : value;
  const kept: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(fields)) {
    const field = (value as Readonly<Record<string, unknown>>)[name];
    if (field !== undefined) kept[name] = pick(field, inner);
  }
  return kept;
}

function isListOf(fields: Exclude<AnyFields, true>): fields is readonly [AnyFields] {
  return Array.isArray(fields);
}
