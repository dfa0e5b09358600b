/**
 * Kills the servers of a test's cluster and removes its folder when the test's process dies, however it dies.
 * A shell holds the reading end of a pipe whose writing end only we have: when we are gone, it reads the end.
 */
import { spawn } from 'node:child_process';
import type { ProcessObserver } from './control-plane.ts';

// $1 is the folder. Lines are "watch PID" and "forget PID". A node has more to end than its programs' pids, and says how.
const script = `
trap '' HUP INT TERM
pids=
while read -r verb pid; do
  rest=
  for known in $pids; do [ "$known" = "$pid" ] || rest="$rest $known"; done
  pids=$rest
  [ "$verb" = watch ] && pids="$pids $pid"
done
[ -z "$pids" ] || kill -9 $pids 2>/dev/null
[ ! -e "$1/node/leave.sh" ] || sh "$1/node/leave.sh"
rm -rf --one-file-system -- "$1"
`;

/** A watchdog over one folder. */
export interface Watchdog extends ProcessObserver {
  /** Ends the watch as if this process had died: what still runs is killed, the folder goes. */
  end(): Promise<void>;
}

export function startWatchdog(folder: string): Watchdog {
  const shell = spawn('/bin/sh', ['-c', script, 'cluster-watchdog', folder], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  const ended = new Promise<void>((resolve, reject) => {
    shell.once('error', reject);
    shell.once('close', () => resolve());
  });
  // Reported by end(); here only so that a failing start is no unhandled rejection before that.
  ended.catch(() => undefined);
  shell.unref();
  return {
    started: ({ pid }) => void shell.stdin.write(`watch ${pid}\n`),
    stopped: ({ pid }) => void shell.stdin.write(`forget ${pid}\n`),
    end: () => {
      shell.ref();
      shell.stdin.end();
      return ended;
    },
  };
}
