import type { Overview } from '../app/overview/overview.ts';
import type { CliIo } from './io.ts';
import { liveFrame, type Place } from './live-frame.ts';
import { LiveScreen } from './live-screen.ts';

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
  readonly #screen = new LiveScreen();

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
    const draw = (): void => this.#screen.draw((size) => liveFrame(source.overview(), { place: this.#place, news: this.#news, ...size }));
    const timer = setInterval(draw, frameMs);
    source.onChange(draw);
    draw();
    await stopped;
    clearInterval(timer);
    draw();
    this.#screen.done();
    this.#io.stdout('\n');
  }
}
