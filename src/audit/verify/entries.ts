import { hashOf, parseLine, type AuditLine } from '../line.ts';

/** A file of lines, as an auditor has it. */
export interface AuditInput {
  readonly name: string;
  readonly text: string;
}

/** A line with where it stands; its text is known by its hash alone, so that a million of them fit. */
export interface Entry extends Omit<AuditLine, 'content' | 'text'> {
  readonly file: string;
  /** From 1. */
  readonly lineNumber: number;
  readonly hash: string;
  /** Whole, for the few lines that are about the chain itself. */
  readonly line: AuditLine | undefined;
}

/** Something that is not as it was written. */
export interface AuditFinding {
  readonly kind: 'changed' | 'removed' | 'reordered' | 'cut' | 'missing' | 'forged' | 'unreadable';
  readonly chain?: string;
  readonly file?: string;
  /** From 1. */
  readonly line?: number;
  /** A sentence for people. */
  readonly message: string;
}

/** All lines of all files, by chain, in the order of their sequence. */
export interface Entries {
  readonly chains: ReadonlyMap<string, readonly Entry[]>;
  readonly findings: readonly AuditFinding[];
  /** Lines that are none of an audit log's, such as log lines. */
  readonly otherLines: number;
  /** Lines that stand there more than once, as a collector makes them that sends again. */
  readonly repeated: number;
}

const ofTheLog = new Set(['chain-started', 'chain-ended', 'checkpoint', 'dropped', 'lost', 'undelivered']);
/** A line of the log in another writing: with white space, with its fields in another order, or as a text within JSON. */
const writtenAnew = /\\?"audit\\?"\s*:\s*true\b/u;
/** Lines that were cut and may come whole are remembered, so many at once. */
const begunMax = 64;

/** A line that cannot be read, which may be the beginning of one that follows. */
interface Begun {
  readonly text: string;
  readonly finding: AuditFinding;
}

/** Where an entry stands, for people. */
export function placeOf({ file, lineNumber }: Pick<Entry, 'file' | 'lineNumber'>): string {
  return `${file}:${lineNumber}`;
}

/** Reads files. Which one is given first does not matter; the order within each does. */
export function readEntries(inputs: readonly AuditInput[]): Entries {
  const reading = new Reading();
  for (const { name, text } of inputs) reading.file(name, text);
  return reading.entries();
}

class Reading {
  readonly #chains = new Map<string, Map<number, Entry>>();
  readonly #findings: AuditFinding[] = [];
  #begun: Begun[] = [];
  #otherLines = 0;
  #repeated = 0;

  file(file: string, text: string): void {
    const newest = new Map<string, Entry>();
    const anew: number[] = [];
    const lines = text.split('\n');
    if (lines.at(-1) === '') lines.pop();
    for (const [index, raw] of lines.entries()) {
      const line = parseLine(raw.endsWith('\r') ? raw.slice(0, -1) : raw);
      if (line === undefined && writtenAnew.test(raw)) anew.push(index + 1);
      else if (line === undefined) this.#otherLines += 1;
      else if ('problem' in line) this.#unreadable({ text: line.text, finding: { kind: 'unreadable', file, line: index + 1, message: `${file}:${index + 1} ${line.problem}` } });
      else {
        this.#whole(line.text);
        this.#entry(entryOf(line, file, index + 1), newest);
      }
    }
    this.#giveUp(0);
    const [first] = anew;
    if (first === undefined) return;
    const message = `${anew.length === 1 ? 'a line' : `${anew.length} lines`} of ${file}, the first at ${file}:${first}, ${anew.length === 1 ? 'was' : 'were'} written anew by something on the way (white space, another order, or a text within JSON): what they say is proven by nothing`;
    this.#findings.push({ kind: 'unreadable', file, line: first, message });
  }

  entries(): Entries {
    const chains = [...this.#chains].map(([chain, entries]) => [chain, [...entries.values()].sort((a, b) => a.sequence - b.sequence)] as const);
    return { chains: new Map(chains), findings: this.#findings, otherLines: this.#otherLines, repeated: this.#repeated };
  }

  #unreadable(begun: Begun): void {
    this.#begun.push(begun);
    this.#giveUp(begunMax);
  }

  /** What was cut and stands whole behind is nothing but a line that was begun twice, as on a disk that was full for a while. */
  #whole(text: string): void {
    const open = this.#begun.filter((begun) => !text.startsWith(begun.text));
    this.#repeated += this.#begun.length - open.length;
    this.#begun = open;
  }

  /** All but the newest are what they seem to be. */
  #giveUp(keep: number): void {
    for (const { finding } of this.#begun.splice(0, Math.max(0, this.#begun.length - keep))) this.#findings.push(finding);
  }

  #entry(entry: Entry, newest: Map<string, Entry>): void {
    const { chain, sequence } = entry;
    const known = this.#chains.get(chain) ?? new Map<number, Entry>();
    this.#chains.set(chain, known);
    const same = known.get(sequence);
    if (same !== undefined) {
      if (same.hash === entry.hash) this.#repeated += 1;
      else this.#find('forged', entry, `${placeOf(entry)} and ${placeOf(same)} are two different lines with the sequence ${sequence} of ${chain}`);
      return;
    }
    known.set(sequence, entry);
    const before = newest.get(chain);
    if (before !== undefined && before.sequence > sequence) this.#find('reordered', entry, `${placeOf(entry)} (sequence ${sequence}) stands behind ${placeOf(before)} (sequence ${before.sequence}), which was written later`);
    else newest.set(chain, entry);
  }

  #find(kind: AuditFinding['kind'], { chain, file, lineNumber }: Entry, message: string): void {
    this.#findings.push({ kind, chain, file, line: lineNumber, message });
  }
}

function entryOf(line: AuditLine, file: string, lineNumber: number): Entry {
  const { content: _content, text, ...rest } = line;
  return { ...rest, file, lineNumber, hash: hashOf(text), line: ofTheLog.has(line.decision) ? line : undefined };
}
