/** DER as a tree that can be changed and written again, sound or not. */
import { encodeElement, headerLength } from '../../src/x509/der-writer.ts';
import type { Random } from '../model/random.ts';

/** How a length is written: rightly, in an octet more than needed, without an end, or wrong by so much. */
export type LengthForm = 'minimal' | 'padded' | 'indefinite' | number;

export interface DerNode {
  tag: number;
  /** What it holds, when that is DER itself; `prefix` octets stand in front (the unused bits of a BIT STRING). */
  children?: DerNode[];
  prefix: Uint8Array;
  content: Uint8Array;
  length: LengthForm;
}

interface Header {
  readonly tag: number;
  readonly content: number;
  readonly end: number;
}

function headerAt(bytes: Uint8Array, at: number, strict: boolean): Header | undefined {
  const [tag, first] = [bytes[at], bytes[at + 1]];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return undefined;
  const octets = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || octets > 3 || at + 2 + octets > bytes.length) return undefined;
  let length = first;
  if (octets > 0) length = bytes.subarray(at + 2, at + 2 + octets).reduce((value, octet) => value * 256 + octet, 0);
  const content = at + 2 + octets;
  if (strict && headerLength(length) !== content - at) return undefined;
  return content + length > bytes.length ? undefined : { tag, content, end: content + length };
}

/** Elements one behind the other, when `bytes` are nothing else; `strict`: with minimal lengths, or they are something else. */
function elements(bytes: Uint8Array, depth: number, strict: boolean): DerNode[] | undefined {
  const found: DerNode[] = [];
  for (let at = 0; at < bytes.length; ) {
    const header = headerAt(bytes, at, strict);
    if (header === undefined) return undefined;
    found.push(nodeOf(header.tag, bytes.subarray(header.content, header.end), depth, strict));
    at = header.end;
  }
  return found;
}

/** OCTET STRINGs and BIT STRINGs are opened too: extensions and keys are inside. */
function nodeOf(tag: number, content: Uint8Array, depth: number, strict: boolean): DerNode {
  const leaf: DerNode = { tag, content, prefix: new Uint8Array(0), length: 'minimal' };
  const isBitString = tag === 0x03 && content[0] === 0;
  const mayNest = (tag & 0x20) !== 0 || ((tag === 0x04 || isBitString) && content.length > 3);
  if (!mayNest || depth > 24) return leaf;
  const from = isBitString ? 1 : 0;
  const children = elements(content.subarray(from), depth + 1, strict || (tag & 0x20) === 0);
  return children === undefined || (children.length === 0 && (tag & 0x20) === 0) ? leaf : { ...leaf, children, prefix: content.subarray(0, from) };
}

/** The tree of a whole DER value. */
export function readTree(der: Uint8Array): DerNode {
  const [root, ...more] = elements(der, 0, false) ?? [];
  if (root === undefined || more.length > 0) throw new RangeError('a seed of the corpus is not one DER element');
  return root;
}

function withLength(tag: number, content: Uint8Array, form: LengthForm): Uint8Array {
  if (form === 'minimal') return encodeElement(tag, content);
  if (form === 'indefinite') return Buffer.concat([Buffer.of(tag, 0x80), content, Buffer.of(0, 0)]);
  if (form === 'padded') {
    const octets = headerLength(content.length) - 1;
    return Buffer.concat([Buffer.of(tag, 0x80 | octets), Buffer.from(content.length.toString(16).padStart(octets * 2, '0'), 'hex'), content]);
  }
  const claimed = Math.max(0, content.length + form);
  return Buffer.concat([encodeElement(tag, new Uint8Array(claimed)).subarray(0, headerLength(claimed)), content]);
}

/** The bytes of a tree. */
export function writeTree({ tag, children, prefix, content, length }: DerNode): Uint8Array {
  return withLength(tag, children === undefined ? content : Buffer.concat([prefix, ...children.map(writeTree)]), length);
}

function* walk(node: DerNode): Iterable<DerNode> {
  yield node;
  for (const child of node.children ?? []) yield* walk(child);
}

/** INTEGERs at the edges of what a parser may hold them in. */
const integers = ['', '00', '01', '7f', '80', 'ff', '0080', 'ff7f', '0001', 'ff80', '7fffffff', '0080000000', '00ffffffff', '7fffffffffffffff', '008000000000000000', 'ff'.repeat(21), `00${'ff'.repeat(300)}`];
const tags = [0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x16, 0x17, 0x18, 0x1e, 0x1f, 0x24, 0x30, 0x31, 0x80, 0x81, 0x82, 0x86, 0xa0, 0xa1, 0xa3, 0xbf, 0xff];

function nested(levels: number): DerNode {
  let node: DerNode = { tag: 0x30, children: [], prefix: new Uint8Array(0), content: new Uint8Array(0), length: 'minimal' };
  for (let level = 0; level < levels; level += 1) node = { ...node, children: [node] };
  return node;
}

function changeContent(node: DerNode, random: Random): void {
  const flat = Buffer.from(writeTree({ ...node, length: 'minimal' })).subarray(headerLength(node.content.length));
  delete node.children;
  const changed = Buffer.from(flat);
  if (changed.length > 0) changed[random.below(changed.length)] = random.below(256);
  node.content = random.pick([
    () => changed,
    () => new Uint8Array(0),
    () => flat.subarray(0, random.below(flat.length + 1)),
    () => Buffer.concat([flat, random.bytes(1 + random.below(4))]),
    () => Buffer.from(random.pick(integers), 'hex'),
    () => random.bytes(random.below(40)),
    () => Buffer.alloc(random.pick([127, 128, 255, 256, 5000, 70_000]), 0x41),
  ])();
}

type Change = (node: DerNode, siblings: DerNode[], all: readonly DerNode[], random: Random) => void;

const replaceIn = (siblings: DerNode[], node: DerNode, ...by: readonly DerNode[]): void => void siblings.splice(siblings.indexOf(node), 1, ...by);

const changes: readonly Change[] = [
  (node, siblings) => replaceIn(siblings, node, node, structuredClone(node)),
  (node, siblings) => replaceIn(siblings, node),
  (node, siblings, _all, random) => {
    const other = random.pick(siblings);
    const [a, b] = [siblings.indexOf(node), siblings.indexOf(other)];
    [siblings[a], siblings[b]] = [other, node];
  },
  (node, siblings, all, random) => replaceIn(siblings, node, structuredClone(random.pick(all))),
  (node, siblings, all, random) => replaceIn(siblings, node, node, structuredClone(random.pick(all))),
  (node, siblings, _all, random) => replaceIn(siblings, node, { ...nested(random.pick([1, 8, 14, 15, 16, 17, 40, 200])), tag: 0x30 }),
  (node, siblings) => replaceIn(siblings, node, { tag: 0x30, children: [node], prefix: new Uint8Array(0), content: new Uint8Array(0), length: 'minimal' }),
  (node, _siblings, _all, random) => void (node.tag = random.pick(tags)),
  (node) => void (node.tag ^= 0x20),
  (node, _siblings, _all, random) => void (node.length = random.pick(['padded', 'indefinite', -1, 1, 2, -2, 127, 65_536] as const)),
  (node, _siblings, _all, random) => changeContent(node, random),
  (node, _siblings, _all, random) => changeContent(node, random),
];

/** Bytes of a tree with one to three changes that keep its structure but where they are about it. */
export function mutateDer(der: Uint8Array, random: Random): Uint8Array {
  const holder: DerNode = { tag: 0x30, children: [readTree(der)], prefix: new Uint8Array(0), content: new Uint8Array(0), length: 'minimal' };
  for (let count = random.pick([1, 1, 1, 2, 3]); count > 0; count -= 1) {
    const all = [...walk(holder)].slice(1);
    if (all.length === 0) break;
    const node = random.pick(all);
    const parent = [...walk(holder)].find(({ children }) => children?.includes(node) === true);
    random.pick(changes)(node, parent?.children ?? [], all, random);
  }
  return Buffer.concat((holder.children ?? []).map(writeTree));
}
