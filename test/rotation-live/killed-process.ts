/** mtlsd as one process that is killed by SIGKILL whenever it is worst, and started again at once. */

/** A process that was started. */
export interface Running {
  /** Resolves when it is at work. */
  atWork(): Promise<unknown>;
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<unknown>;
}

export class KilledProcess implements AsyncDisposable {
  /** Why it was killed: more reasons than times, since two rotations are under way. */
  readonly kills: string[] = [];
  times = 0;
  readonly #start: () => Running;
  #running: Running;
  #turn: Promise<void> = Promise.resolve();
  /** The kill that has not come to its turn. */
  #waiting: Promise<void> | undefined;

  private constructor(start: () => Running) {
    this.#start = start;
    this.#running = start();
  }

  /** Resolves when it is at work. */
  static async start(start: () => Running): Promise<KilledProcess> {
    const daemon = new KilledProcess(start);
    await daemon.#running.atWork();
    return daemon;
  }

  /** Kills it, starts it again, and waits until it is at work. Who asks while another kill has not come to its turn shares that. */
  async kill(why: string): Promise<void> {
    this.kills.push(why);
    this.#waiting ??= this.#next();
    await this.#waiting;
  }

  async #next(): Promise<void> {
    const turn = this.#turn.then(async () => {
      this.#waiting = undefined;
      this.times += 1;
      await this.#running.end('SIGKILL');
      this.#running = this.#start();
      await this.#running.atWork();
    });
    this.#turn = turn;
    await turn;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turn.catch(() => undefined);
    await this.#running.end('SIGTERM');
  }
}
