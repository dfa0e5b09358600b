import { createLogUpdate } from 'log-update';
import type { Overview } from '../app/overview.ts';
import type { CliIo } from './io.ts';
import { liveFrame, type Place } from './live-frame.ts';

/** What a live view is drawn from. */
interface Source {
  overview(): Overview;
  onChange(listener: () => void): void;
}

/** How often the life bars move. */
const frameMs = 500;
/** How many of the latest log lines are remembered. */
const linesMax = 6;

/** The live table of `mtlsd run` in a terminal: identities, the latest news, what is wrong, what to try next. */
export class LiveView {
  readonly #io: CliIo;
  readonly #place: Place;
  readonly #news: string[] = [];
  readonly #draw = createLogUpdate(process.stdout, { showCursor: true });

  constructor(io: CliIo, place: Place) {
    this.#io = io;
    this.#place = place;
  }

  /** Takes a log line: the latest few are shown. */
  tell(text: string): void {
    this.#news.push(...text.split('\n').filter((line) => line.trim() !== ''));
    this.#news.splice(0, Math.max(0, this.#news.length - linesMax));
  }

  /** Draws until `stopped` resolves. */
  async show(source: Source, stopped: Promise<void>): Promise<void> {
    let before = '';
    const draw = (): void => {
      // Some terminals say that they are 0 by 0.
      const [columns, rows] = [process.stdout.columns || 100, process.stdout.rows || 40];
      // A line that fills the last column leaves the cursor where terminals disagree.
      const frame = liveFrame(source.overview(), { place: this.#place, news: this.#news, width: columns - 1, height: rows });
      // What log-update redraws is what differs, and it takes lines that moved for lines that stayed: then all is drawn anew.
      const shape = `${frame.split('\n').length}x${columns}`;
      if (shape !== before) this.#draw.clear();
      before = shape;
      this.#draw(frame);
    };
    const timer = setInterval(draw, frameMs);
    source.onChange(draw);
    draw();
    await stopped;
    clearInterval(timer);
    draw();
    this.#draw.done();
    this.#io.stdout('\n');
  }
}
