import { stripVTControlCharacters } from 'node:util';
import { createLogUpdate } from 'log-update';
import { wantsColours } from './terminal-text.ts';

/** What a frame is drawn in. */
export interface FrameSize {
  /** Columns and lines of the terminal. */
  readonly width: number;
  readonly height: number;
}

/** A part of the terminal that is drawn again and again, until it is left as it is. */
export class LiveScreen {
  readonly #update = createLogUpdate(process.stdout, { showCursor: true });
  readonly #isColoured = wantsColours(process.env);
  #shape = '';

  /** Draws a frame over the one before. @param frameOf makes one that is no larger than the terminal */
  draw(frameOf: (size: FrameSize) => string): void {
    // Some terminals say that they are 0 by 0.
    const [columns, rows] = [process.stdout.columns || 100, process.stdout.rows || 40];
    // A line that fills the last column leaves the cursor where terminals disagree.
    const drawn = frameOf({ width: columns - 1, height: rows });
    const frame = this.#isColoured ? drawn : stripVTControlCharacters(drawn);
    // What log-update redraws is what differs, and it takes lines that moved for lines that stayed: then all is drawn anew.
    const shape = `${frame.split('\n').length}x${columns}`;
    if (shape !== this.#shape) this.#update.clear();
    this.#shape = shape;
    this.#update(frame);
  }

  /** Leaves the last frame where it is. */
  done(): void {
    this.#update.done();
  }
}
