/** How a build of many minutes shows that it is alive: what is being built, how far, for how long. */

/** Told by the builder, shown by whoever started it. */
export interface BuildProgress {
  note(line: string): void;
  begin(name: string): BuildStep;
}

/** One program's build. */
interface BuildStep {
  /** @param packages compiled so far; packages that Go has in its own cache are not counted */
  update(packages: number): void;
  end(built: boolean): void;
}

/** `terminal` rewrites one line, `plain` writes a line now and then (for logs), `none` is silent. */
export type ProgressStyle = 'terminal' | 'plain' | 'none';

const plainEveryMs = 15_000;
const terminalEveryMs = 500;

/**
 * Shows progress by writing to `write` (a terminal's or a log's).
 * @param nowMs a clock, milliseconds
 */
export function showProgress(style: ProgressStyle, write: (text: string) => void, nowMs: () => number): BuildProgress {
  const terminal = style === 'terminal';
  const print = (line: string) => {
    if (style !== 'none') write(terminal ? `\r\u001B[K${line}` : `${line}\n`);
  };
  return {
    note: (line) => print(terminal ? `${line}\n` : line),
    begin(name) {
      const startMs = nowMs();
      let packages = 0;
      const say = () => print(`building ${name}: ${packages} packages compiled, ${duration(nowMs() - startMs)}`);
      say();
      const timer = setInterval(say, terminal ? terminalEveryMs : plainEveryMs);
      return {
        update: (count) => (packages = count),
        end(built) {
          clearInterval(timer);
          print(`${built ? 'built' : 'failed'} ${name} in ${duration(nowMs() - startMs)}${terminal ? '\n' : ''}`);
        },
      };
    },
  };
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
