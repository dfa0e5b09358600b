/** A search through a world that tells how large it was, and the story where it ended badly. */
import { search, type Found, type Searchable } from './search.ts';

const statesMax = 4_000_000;

export function searchAndTell(title: string, world: Searchable): Found {
  const found = search(world, statesMax);
  const { states, moves, done, problem } = found;
  console.log(`${title}: ${states} states, ${moves} moves, ${done} ends${problem === undefined ? '' : `\n  ${problem.what}\n    ${problem.story.join('\n    ')}`}`);
  return found;
}
