import { setTimeout as sleep } from 'node:timers/promises';
import { rotationRow } from '../../app/overview/rotation-row.ts';
import type { RotationSite } from '../../app/rotation/site.ts';
import { MtlsdError } from '../../errors/index.ts';
import type { CARotation } from '../../resources/index.ts';
import { exitCodes } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { LiveScreen } from '../live-screen.ts';
import { timeText } from '../terminal-text.ts';
import { endingOf } from './ending.ts';
import { hint } from './place.ts';
import { progressFrame } from './progress-frame.ts';
import { progressLine } from './progress-lines.ts';

/** How often it is looked at; a person sees that as at once. */
const pauseMs = 250;

/**
 * Shows how a rotation goes until it has ended, stands still, or `stopped` resolves: a live frame in a terminal, otherwise one line
 * for each change. The exit status says which.
 * @throws ROTATION_NOT_FOUND when it is gone
 */
export async function follow(io: CliIo, site: RotationSite, name: string, output: 'text' | 'json', stopped: Promise<void>): Promise<void> {
  const show = output === 'text' && io.isTerminal ? liveView() : lineView(io, output);
  let over = false;
  void stopped.then(() => (over = true));
  for (let looks = 0; ; ) {
    const rotation = await site.rotation(name);
    if (rotation === undefined) throw new MtlsdError('ROTATION_NOT_FOUND', `CARotation ${name} is gone: somebody deleted it`, { details: { rotation: name } });
    show.look(rotation, io.nowMs());
    const ending = endingOf(rotation, site);
    looks = ending === undefined ? 0 : looks + 1;
    if (ending !== undefined && looks > ending.patienceLooks) {
      show.done();
      io.setExitCode(ending.exitCode);
      return output === 'json' ? io.stdout(`${JSON.stringify(rotationRow(rotation), undefined, 2)}\n`) : io.stdout(ending.text);
    }
    if (over) {
      show.done();
      io.setExitCode(exitCodes.waits);
      return io.stderr(`the rotation goes on: ${hint(site, 'wait', name)}\n`);
    }
    await Promise.race([sleep(pauseMs), stopped]);
  }
}

interface View {
  look(rotation: CARotation, nowMs: number): void;
  done(): void;
}

function lineView(io: CliIo, output: 'text' | 'json'): View {
  let before = '';
  // With JSON, standard output is for one document.
  const write = output === 'json' ? io.stderr : io.stdout;
  return {
    look: (rotation, nowMs) => {
      const line = progressLine(rotation);
      if (line !== before) write(`${timeText(nowMs)}  ${line}\n`);
      before = line;
    },
    done: () => undefined,
  };
}

function liveView(): View {
  const screen = new LiveScreen();
  return {
    look: (rotation, nowMs) => screen.draw((size) => progressFrame(rotation, nowMs, size)),
    done: () => screen.done(),
  };
}
