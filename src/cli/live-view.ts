import { createLogUpdate } from 'log-update';
import { stripVTControlCharacters, styleText } from 'node:util';
import type { IdentityRow, Overview } from '../app/overview.ts';
import type { CliIo } from './io.ts';
import { identitiesText } from './overview-text.ts';
import { fit, table } from './table.ts';

/** What a live view is drawn from. */
interface Source {
  overview(): Overview;
  onChange(listener: () => void): void;
}

/** Where what is shown is, and what a newcomer may try there: a command or an action, and what it is good for. */
export interface Place {
  readonly title: string;
  hints(first: IdentityRow): readonly (readonly [string, string])[];
}

/** How often the life bars move. */
const frameMs = 500;
/** How many of the latest log lines stand below the table. */
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
    const draw = (): void => this.#draw(this.#frame(source.overview()));
    const timer = setInterval(draw, frameMs);
    source.onChange(draw);
    draw();
    await stopped;
    clearInterval(timer);
    draw();
    this.#draw.done();
    this.#io.stdout('\n');
  }

  #frame(overview: Overview): string {
    const width = process.stdout.columns || 100;
    const problems = overview.problems.map((problem) => fit(`${styleText('red', '✗')} ${problem.object}: ${problem.message}`, width));
    const parts = [
      this.#title(overview),
      identitiesText(overview.identities, { colour: true, width }),
      problems.slice(0, 5).join('\n'),
      this.#news.map((line) => styleText('dim', fit(stripVTControlCharacters(line), width - 1))).join('\n'),
      this.#hints(overview),
    ];
    return parts.filter((part) => part !== '').join('\n\n');
  }

  #title(overview: Overview): string {
    const domains = overview.trustDomains.map((domain) => `${styleText('bold', domain.name)}${domain.ready ? '' : styleText('red', ' (not ready)')}`);
    return `${styleText('bold', 'mtlsd')}  ${domains.join('  ') || 'no trust domain yet'}  ${styleText('dim', this.#place.title)}`;
  }

  #hints(overview: Overview): string {
    const first = overview.identities.find((row) => row.ready);
    if (first === undefined) return '';
    const hints = this.#place.hints(first).map(([what, why]) => [`  ${what}`, styleText('dim', why)]);
    return table([[styleText('dim', 'Try, in another terminal:'), ''], ...hints]);
  }
}
