/**
 * The command line: one file a command, put together here. A command reads its options, hands them to `app/`, and prints;
 * it decides nothing about identities. Options and exit statuses are fixed: scripts depend on them.
 */
import type { Command } from 'commander';
import { auditCommand } from './audit/verify.ts';
import { controllerCommand } from './controller.ts';
import { gatewayCommand } from './gateway.ts';
import { injectCommand } from './inject.ts';
import { explainCommand } from './explain.ts';
import { inspectCommand } from './inspect.ts';
import type { CliIo } from './io.ts';
import { receiptsCommand } from './receipt/verify.ts';
import { rootCommand } from './root-command.ts';
import { rotateCommand } from './rotate/rotate.ts';
import { runCommand } from './run.ts';
import { statusCommand } from './status.ts';
import { svidCommand } from './svid/fetch.ts';
import { tokenCommand } from './token.ts';
import { verifyCommand } from './verify.ts';

/**
 * The whole command line, over `io`.
 * @param untilStopped keeps a command going that has no end of its own
 * @param untilLeft ends one that has, before its end
 */
export function program(io: CliIo, untilStopped: () => Promise<void>, untilLeft = untilStopped): Command {
  return rootCommand(io, [
    runCommand(io, untilStopped),
    controllerCommand(io, untilStopped),
    statusCommand(io, untilStopped),
    injectCommand(io),
    rotateCommand(io, untilLeft),
    receiptsCommand(io),
    auditCommand(io),
    explainCommand(io),
    inspectCommand(io),
    verifyCommand(io),
    svidCommand(io, untilStopped),
    tokenCommand(io),
    gatewayCommand(io, untilStopped),
  ]);
}
