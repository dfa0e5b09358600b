import { Document, isScalar, isSeq, LineCounter, parseAllDocuments, visit, type DocumentOptions, type Node, type ParseOptions, type SchemaOptions, type YAMLSeq } from 'yaml';
import { changeOf, type Addition } from './change.ts';
import { readTemplate } from './read-template.ts';
import { podOwnersIn, type PodOwner } from './template-places.ts';
import type { InjectionDefaults } from './wish.ts';

/** A manifest with what its pods ask for, or all that is wrong with it. */
export type InjectedManifest =
  | { readonly text: string; /** Objects that were changed, `Deployment shop/cart`. */ readonly changed: readonly string[]; readonly problems?: undefined }
  | { readonly problems: readonly string[] };

/** How often a document may repeat an anchored node; more is a bomb. */
const aliasesMax = 100;

/** As kubectl reads it: `0440` is octal, `yes` is true, and what looks like a date is text. Large numbers keep every digit. */
const reading: ParseOptions & DocumentOptions & SchemaOptions = {
  version: '1.1',
  merge: true,
  intAsBigInt: true,
  uniqueKeys: true,
  prettyErrors: false,
  customTags: (tags) => tags.filter((tag) => tag !== 'timestamp'),
};

/**
 * Adds to the pods and pod templates of a manifest what they ask for. YAML (several documents, Lists) or JSON; comments, order
 * and what is not changed stay. Documents without such a pod stay to the byte.
 */
export function injectManifest(text: string, defaults: InjectionDefaults): InjectedManifest {
  const json = parsedJson(text);
  if (json !== undefined) {
    const document = new Document(json, reading);
    const edit = editDocument(document, defaults);
    if (edit.problems.length > 0) return { problems: edit.problems };
    return { text: edit.changed.length === 0 ? text : `${JSON.stringify(plain(document), undefined, 2)}\n`, changed: edit.changed };
  }
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { ...reading, lineCounter: lines });
  const documents = Array.isArray(parsed) ? parsed : [];
  const faults = documents.flatMap(({ errors }) => errors);
  if (faults.length > 0) return { problems: faults.slice(0, 20).map(({ message, pos }) => `line ${lines.linePos(pos[0]).line}: ${message}`) };
  const edits = documents.map((document) => editDocument(document, defaults));
  const problems = edits.flatMap((edit) => edit.problems);
  if (problems.length > 0) return { problems };
  const style = { lineWidth: 0, indentSeq: !/^( *)[^\s#-][^\n]*:[ \t]*(#[^\n]*)?\n\1- /mu.test(text) };
  const parts = documents.map((document, index) => {
    if (edits[index]?.changed.length !== 0) return document.toString(style);
    return text.slice(documents[index - 1]?.range[2] ?? 0, document.range[2]);
  });
  return { text: parts.join(''), changed: edits.flatMap(({ changed }) => changed) };
}

interface Edit {
  readonly changed: readonly string[];
  readonly problems: readonly string[];
}

function editDocument(document: Document, defaults: InjectionDefaults): Edit {
  let value: unknown;
  try {
    value = plain(document);
  } catch (error) {
    return { changed: [], problems: [error instanceof Error ? error.message : String(error)] };
  }
  const edits = podOwnersIn(value).map((owner) => ({ owner, ...additionsTo(owner, defaults) }));
  const problems = edits.flatMap((edit) => edit.problems.map((problem) => `${edit.owner.name}: ${problem}`));
  const changing = edits.filter(({ additions }) => additions.length > 0);
  if (problems.length > 0 || changing.length === 0) return { changed: [], problems };
  expandAliases(document);
  for (const { owner, additions } of changing) apply(document, owner, additions);
  return { changed: changing.map(({ owner }) => owner.name), problems };
}

function additionsTo({ template }: PodOwner, defaults: InjectionDefaults): { readonly additions: readonly Addition[]; readonly problems: readonly string[] } {
  // Only pods that ask for something are judged.
  const read = readTemplate(template);
  if (read.problem !== undefined) return { additions: [], problems: mentionsLabel(template) ? [read.problem] : [] };
  const change = changeOf(read.template, defaults);
  return change.problems === undefined ? { additions: change.additions, problems: [] } : { additions: [], problems: change.problems };
}

function mentionsLabel(template: unknown): boolean {
  return JSON.stringify(template ?? '').includes('"mtlsd.io/inject"');
}

/** A node that stands in several places would get several times what one of them lacks. */
function expandAliases(document: Document): void {
  visit(document, {
    Alias: (_key, alias) => {
      const copy = alias.resolve(document)?.clone() as Node & { anchor?: string };
      delete copy.anchor;
      return copy;
    },
  });
}

function apply(document: Document, { path: at, template }: PodOwner, additions: readonly Addition[]): void {
  // Keys that come from elsewhere (`<<`) cannot be added to in place: then the template is written out.
  const node = at.length === 0 ? document.contents : document.getIn(at, true);
  if (hasMerge(node as Node)) document.setIn(at, document.createNode(template));
  for (const { path, items } of additions) {
    const list = document.getIn([...at, ...path], true);
    const added = document.createNode(items) as YAMLSeq;
    if (!isSeq(list)) document.setIn([...at, ...path], added);
    else {
      if (list.items.length === 0) list.flow = false;
      for (const item of added.items) list.add(item);
    }
    if (!isSeq(list) || list.flow !== true) sayModes(added);
  }
}

/** Modes are decimal, because readers of YAML disagree about `0440`; people read them in octal. */
function sayModes(nodes: YAMLSeq): void {
  visit(nodes, {
    Pair: (_key, { key, value }) => {
      if (isScalar(key) && key.value === 'defaultMode' && isScalar<number>(value)) value.comment = ` 0${value.value.toString(8)}`;
    },
  });
}

function hasMerge(node: Node): boolean {
  let found = false;
  visit(node, {
    Pair: (_key, pair) => {
      if (!isScalar(pair.key) || (pair.key.source !== '<<' && pair.key.value !== '<<')) return undefined;
      found = true;
      return visit.BREAK;
    },
  });
  return found;
}

/** The document as JSON would say it. */
function plain(document: Document): unknown {
  const value: unknown = document.toJS({ maxAliasCount: aliasesMax });
  return JSON.parse(JSON.stringify(value ?? null, (_key, item: unknown) => (typeof item === 'bigint' ? Number(item) : item)));
}

function parsedJson(text: string): unknown {
  if (!/^\s*[[{]/u.test(text)) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // it may still be YAML in flow style
  }
}
