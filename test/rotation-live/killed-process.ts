/** mtlsd as one process that is killed by SIGKILL whenever it is worst, and started again at once. */

/** A process that was started. */
export interface Running {
  /** Resolves when it is at work. */
  atWork(): Promise<unknown>;
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<unknown>;
}

export class KilledProcess implements AsyncDisposable {
  /** Why it was killed, each time. */
  readonly kills: string[] = [];
  readonly #start: () => Running;
  #running: Running;
  #turn: Promise<void> = Promise.resolve();

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

  /** Kills it, starts it again, and waits until it is at work. */
  async kill(why: string): Promise<void> {
    const turn = this.#turn.then(async () => {
      this.kills.push(why);
      console.log(`${(performance.now() / 1000).toFixed(1)} s: SIGKILL, because ${why}`);
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
