import { isMap, isNode, isSeq, LineCounter, parseAllDocuments, type Document, type Node } from 'yaml';
import { validateManifest, type ManifestObject } from '../../resources/index.ts';
import { describeKey, isKind, kindTraits } from '../object-key.ts';
import type { Kind, ObjectKey } from '../port.ts';
import { whyClusterOnly } from './cluster-only.ts';
import { isPathSafe } from './failures.ts';
import { problem, type SourceProblem } from './source-problem.ts';

/** Larger files are refused unread: a manifest is a few KiB. */
export const manifestBytesMax = 1_048_576;
const documentsMax = 1_000;
/** How often a document may repeat an anchored node; more is a bomb. */
const aliasesMax = 100;
const defaultNamespace = 'default';

/** One object as a manifest describes it. */
export interface Entry {
  readonly key: ObjectKey;
  readonly file: string;
  readonly line: number;
  /** The object to be stored, or all that is wrong with it. */
  readonly result: { readonly ok: true; readonly object: ManifestObject } | { readonly ok: false; readonly problems: readonly SourceProblem[] };
}

/** What a manifest file says. */
export interface ParsedManifest {
  readonly entries: readonly Entry[];
  /** What is wrong besides single objects. */
  readonly problems: readonly SourceProblem[];
  /** False when it may describe objects that could not be made out: then the absence of one means nothing. */
  readonly complete: boolean;
}

/** The object as it is stored now: rules about changes look at it. */
export type StoredLookup = (key: ObjectKey) => unknown;

/** Reads the bytes of a manifest: YAML or JSON, several documents, Lists unpacked. Never throws for any input. */
export function parseManifest(file: string, bytes: Uint8Array, stored: StoredLookup): ParsedManifest {
  if (bytes.byteLength > manifestBytesMax) return broken(problem('MANIFEST_TOO_LARGE', file, `the file has ${bytes.byteLength} bytes, at most ${manifestBytesMax} are read`));
  const text = decodeText(bytes);
  if (text === undefined) return broken(problem('MANIFEST_SYNTAX', file, 'the file is not UTF-8 text'));
  if (text.trim() === '') return broken(problem('MANIFEST_EMPTY', file, 'the file is empty'));
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: true, merge: true, prettyErrors: false });
  const documents = Array.isArray(parsed) ? parsed : [];
  if (documents.length > documentsMax) return broken(problem('MANIFEST_TOO_LARGE', file, `the file holds ${documents.length} documents, at most ${documentsMax} are read`));
  const faults = documents.flatMap((document) => [...document.errors, ...document.warnings]);
  if (faults.length > 0) {
    const problems = faults.slice(0, 20).map((fault) => problem('MANIFEST_SYNTAX', file, fault.message, { line: lines.linePos(fault.pos[0]).line }));
    return { entries: [], problems, complete: false };
  }
  return gather(documents.map((document) => readDocument(file, document, lines, stored)));
}

function broken(...problems: SourceProblem[]): ParsedManifest {
  return { entries: [], problems, complete: false };
}

function gather(parts: readonly ParsedManifest[]): ParsedManifest {
  return {
    entries: parts.flatMap((part) => part.entries),
    problems: parts.flatMap((part) => part.problems),
    complete: parts.every((part) => part.complete),
  };
}

function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const nothing: ParsedManifest = { entries: [], problems: [], complete: true };

function readDocument(file: string, document: Document, lines: LineCounter, stored: StoredLookup): ParsedManifest {
  const root = document.contents;
  if (root === null) return nothing;
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: aliasesMax });
  } catch {
    return broken(problem('MANIFEST_SYNTAX', file, `anchors are repeated more than ${aliasesMax} times, or refer to themselves`, { line: lineOf(root, lines) }));
  }
  if (value === null) return nothing;
  if (!isPlain(value) || value['kind'] !== 'List' || value['apiVersion'] !== 'v1') return readObject(file, value, root, lines, stored);
  const items = isMap(root) ? root.get('items', true) : undefined;
  const values = value['items'];
  if (!Array.isArray(values)) return broken(problem('MANIFEST_UNKNOWN', file, 'the List has no items', { line: lineOf(root, lines) }));
  const nodes = isSeq(items) ? items.items : [];
  return gather(values.map((item: unknown, index) => {
    const node = nodes[index];
    return readObject(file, item, isNode(node) ? node : root, lines, stored);
  }));
}

function readObject(file: string, value: unknown, node: Node, lines: LineCounter, stored: StoredLookup): ParsedManifest {
  const line = lineOf(node, lines);
  const unknown = (message: string) => broken(problem('MANIFEST_UNKNOWN', file, message, { line }));
  if (!isPlain(value)) return unknown('write an object with apiVersion, kind, metadata and spec');
  const { apiVersion, kind } = value;
  // A file that is no manifest at all (a compose file, a package.json) is none of our business.
  if (apiVersion === undefined && kind === undefined && value['metadata'] === undefined) return { ...nothing, complete: false };
  const group = typeof apiVersion === 'string' ? apiVersion.split('/', 1)[0] : undefined;
  if (group !== undefined && group !== 'mtlsd.io' && typeof kind === 'string' && !isOurs(kind)) return nothing;
  const manifest = withNamespace(value);
  const key = keyIn(manifest);
  const clusterOnly = key === undefined ? undefined : whyClusterOnly(key.kind);
  if (key !== undefined && clusterOnly !== undefined) return { ...nothing, problems: [problem('MANIFEST_INVALID', file, clusterOnly, { line, object: describeKey(key) })] };
  return validated({ file, line, key, node, lines }, validateManifest(manifest, key === undefined ? undefined : stored(key)));
}

/** Where a document stands, and what it is about as far as that can be said. */
interface DocumentPlace {
  readonly file: string;
  readonly line: number;
  readonly key: ReturnType<typeof keyIn>;
  readonly node: Node;
  readonly lines: LineCounter;
}

function validated({ file, line, key, node, lines }: DocumentPlace, result: ReturnType<typeof validateManifest>): ParsedManifest {
  if (key === undefined) {
    const unknown = (message: string) => broken(problem('MANIFEST_UNKNOWN', file, message, { line }));
    return result.ok ? unknown('its kind or name cannot be used') : broken(...result.problems.map(({ field, message }) => problem('MANIFEST_UNKNOWN', file, message, { line: fieldLine(node, field, lines) })));
  }
  if (result.ok) return { ...nothing, entries: [{ key, file, line, result: { ok: true, object: result.object } }] };
  const object = describeKey(key);
  const problems = result.problems.map(({ field, message }) => problem('MANIFEST_INVALID', file, message, { line: fieldLine(node, field, lines), object }));
  return { ...nothing, entries: [{ key, file, line, result: { ok: false, problems } }] };
}

type Plain = Readonly<Record<string, unknown>>;

function isPlain(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isOurs(kind: string): boolean {
  return isKind(kind) && kindTraits[kind].apiVersion.startsWith('mtlsd.io/');
}

/** The object with its namespace spelled out; finalizers are left out, as nobody would ever take them off again. */
function withNamespace(value: Plain): Plain {
  const { kind, metadata } = value;
  if (!isPlain(metadata) || typeof kind !== 'string' || !isOurs(kind)) return value;
  const { finalizers: _nobodyRemovesThem, namespace, ...rest } = metadata;
  const namespaced = isKind(kind) && kindTraits[kind].namespaced;
  const spelled = namespace === undefined || namespace === null || namespace === '' ? defaultNamespace : namespace;
  return { ...value, metadata: { ...rest, ...(namespaced ? { namespace: spelled } : {}) } };
}

/** Which object of ours it is; undefined when it cannot be told. */
function keyIn(manifest: Plain): ObjectKey | undefined {
  const { apiVersion, kind, metadata } = manifest;
  if (typeof kind !== 'string' || !isOurs(kind) || !isPlain(metadata)) return undefined;
  const known = kind as Kind;
  if (apiVersion !== kindTraits[known].apiVersion) return undefined;
  const { name, namespace } = metadata;
  if (typeof name !== 'string' || !isPathSafe(name)) return undefined;
  if (!kindTraits[known].namespaced) return { kind: known, name };
  return typeof namespace === 'string' && isPathSafe(namespace) ? { kind: known, namespace, name } : undefined;
}

function lineOf(node: Node, lines: LineCounter): number {
  return lines.linePos(node.range?.[0] ?? 0).line;
}

/** The line of `spec.dnsNames[0]` and the like; of the deepest part that is there. */
function fieldLine(node: Node, field: string, lines: LineCounter): number {
  let line = lineOf(node, lines);
  let current: unknown = node;
  for (const segment of field.split(/[.[\]]+/u).filter((part) => part !== '')) {
    if (isMap(current)) {
      const pair = current.items.find(({ key }) => String(isNode(key) ? key : '') === segment);
      if (pair === undefined) return line;
      if (isNode(pair.key)) line = lineOf(pair.key, lines);
      current = pair.value;
    } else if (isSeq(current)) {
      current = current.items[Number(segment)];
      if (isNode(current)) line = lineOf(current, lines);
    } else {
      return line;
    }
  }
  return line;
}
