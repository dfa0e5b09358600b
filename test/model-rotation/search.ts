/**
 * Breadth-first search over everything that can happen. A state is a string; what a world can do next is a function of it.
 * The shortest way to each state is kept, so that what goes wrong comes with the story that leads there.
 */

import { Numbered } from './numbered.ts';

/** One thing that may happen. */
export interface Move {
  /** For people: `r0 signs w1`. */
  readonly label: string;
  readonly to: string;
  /** Whether it may be relied on to happen at last: a delivery may, a crash or a request to abort may not. */
  readonly fair: boolean;
}

/** What is searched. */
export interface Searchable {
  readonly initial: string;
  /** Everything that may happen in a state; `broken` is set by what must never happen. */
  moves(state: string): { readonly moves: readonly Move[]; readonly broken?: string | undefined };
  /** What is wrong in a state, or undefined. */
  check(state: string): string | undefined;
  /** Whether all is done here: from every state one of these must be within reach, by fair moves alone. */
  done(state: string): boolean;
  /** One line for people. */
  show(state: string): string;
}

/** What a search found. */
export interface Found {
  readonly states: number;
  readonly moves: number;
  readonly done: number;
  /** What is wrong, with the shortest story that leads there. */
  readonly problem: { readonly what: string; readonly story: readonly string[] } | undefined;
}

/** Numbers that are added one by one, by the million. */
class Column {
  #values = new Int32Array(1 << 16);
  length = 0;

  push(value: number): void {
    if (this.length === this.#values.length) {
      const larger = new Int32Array(this.#values.length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.length] = value;
    this.length += 1;
  }

  at(index: number): number {
    return this.#values[index] ?? 0;
  }
}

/** One search, from the first state to the last. */
class Search {
  readonly #world: Searchable;
  readonly #states = new Numbered();
  readonly #labels = new Numbered();
  readonly #parents = new Column();
  readonly #by = new Column();
  /** Fair moves alone: from where, to where. */
  readonly #from = new Column();
  readonly #to = new Column();
  #moves = 0;

  constructor(world: Searchable) {
    this.#world = world;
  }

  run(statesMax: number): Found {
    this.#add(this.#world.initial, -1, '');
    for (let at = 0; at < this.#states.size; at += 1) {
      const state = this.#states.at(at);
      const wrong = this.#world.check(state);
      if (wrong !== undefined) return this.#found({ what: wrong, story: this.#story(at) });
      const { moves, broken } = this.#world.moves(state);
      if (broken !== undefined) return this.#found({ what: broken, story: this.#story(at) });
      this.#moves += moves.length;
      for (const { label, to, fair } of moves) {
        const target = this.#add(to, at, label);
        if (fair && target !== at) {
          this.#from.push(at);
          this.#to.push(target);
        }
      }
      if (this.#states.size > statesMax) throw new Error(`more than ${statesMax} states: the world is not as small as it should be`);
    }
    return this.#found(this.#stuck());
  }

  #add(state: string, parent: number, label: string): number {
    const size = this.#states.size;
    const index = this.#states.numberOf(state);
    if (index < size) return index;
    this.#parents.push(parent);
    this.#by.push(this.#labels.numberOf(label));
    return index;
  }

  /** A state from which no fair moves lead to the end. */
  #stuck(): Found['problem'] {
    const reaches = this.#reachesEnd();
    const stuck = reaches.indexOf(0);
    return stuck < 0 ? undefined : { what: 'from here it never finishes, whatever is delivered', story: this.#story(stuck) };
  }

  #reachesEnd(): Uint8Array {
    const size = this.#states.size;
    // Moves by their target, so that the search can go backwards.
    const starts = new Int32Array(size + 1);
    for (let edge = 0; edge < this.#to.length; edge += 1) starts[this.#to.at(edge) + 1] = (starts[this.#to.at(edge) + 1] ?? 0) + 1;
    for (let state = 0; state < size; state += 1) starts[state + 1] = (starts[state + 1] ?? 0) + (starts[state] ?? 0);
    const filled = starts.slice();
    const sources = new Int32Array(this.#to.length);
    for (let edge = 0; edge < this.#to.length; edge += 1) {
      const slot = filled[this.#to.at(edge)] ?? 0;
      sources[slot] = this.#from.at(edge);
      filled[this.#to.at(edge)] = slot + 1;
    }
    const reaches = new Uint8Array(size);
    const open: number[] = [];
    for (let state = 0; state < size; state += 1) {
      if (!this.#world.done(this.#states.at(state))) continue;
      reaches[state] = 1;
      open.push(state);
    }
    for (let state = open.pop(); state !== undefined; state = open.pop()) {
      for (let slot = starts[state] ?? 0; slot < (starts[state + 1] ?? 0); slot += 1) {
        const source = sources[slot] ?? 0;
        if (reaches[source] === 1) continue;
        reaches[source] = 1;
        open.push(source);
      }
    }
    return reaches;
  }

  #story(at: number): readonly string[] {
    const story: string[] = [];
    for (let state = at; state >= 0; state = this.#parents.at(state)) {
      const label = this.#labels.at(this.#by.at(state));
      story.unshift(`${label.padEnd(34)} ${this.#world.show(this.#states.at(state))}`);
    }
    return story;
  }

  #found(problem: Found['problem']): Found {
    let done = 0;
    for (let state = 0; state < this.#states.size; state += 1) if (this.#world.done(this.#states.at(state))) done += 1;
    return { states: this.#states.size, moves: this.#moves, done, problem };
  }
}

/** Searches everything. @throws {Error} when there are more than `statesMax` states */
export function search(world: Searchable, statesMax: number): Found {
  return new Search(world).run(statesMax);
}
