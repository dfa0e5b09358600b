/** Free TCP ports of the loopback address for servers that must come back on the same port after a restart. */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

// Below the range that Linux (32768) and macOS (49152) hand to outgoing connections: while a server is
// down between stop and start, no connection of somebody else may be given its port.
const [lowest, beyond] = [20_000, 32_000];

/** Ports on which nobody listens at 127.0.0.1. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  for (let tries = 0; found.size < count; tries++) {
    if (tries > 500) throw new Error(`found no free port between ${lowest} and ${beyond} on 127.0.0.1`);
    const port = randomInt(lowest, beyond);
    if (await isFree(port)) found.add(port);
  }
  return [...found];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
