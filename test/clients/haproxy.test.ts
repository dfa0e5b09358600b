import { join } from 'node:path';
import { freePorts } from '../cluster/ports.ts';
import { nodeStack } from './node-peer.ts';
import { httpTalk } from './probe.ts';
import { callThrough, ConfiguredPage, serveBeside } from './proxy-run.ts';
import { serversThere } from './servers.ts';
import { hostOf, idOf } from './site.ts';
import { testStack } from './stack-tests.ts';

const page = 'haproxy';
const ready = serversThere(page, 'haproxy', 'socat', 'curl');

const haproxy = (file: string): string => `haproxy -W -S "$PWD/haproxy-master.sock" -f ${file}`;
const loop = 'sh reload.sh';

testStack({
  page,
  part: 'serve',
  ready,
  talk: httpTalk,
  build: async (folder) => {
    const files = await ConfiguredPage.save(page, folder);
    const { call } = await nodeStack(join(folder, 'node'));
    return {
      serve: (identity, port, client) => {
        const run = files.fillIn(identity, (here) => ({ '/run/haproxy': join(here, 'haproxy'), ':8443': `:${port}`, [idOf('checkout')]: idOf(client) }));
        return serveBeside(loop, haproxy('serve.cfg'), run);
      },
      call,
    };
  },
});

testStack({
  page,
  part: 'call',
  ready,
  talk: httpTalk,
  build: async (folder) => {
    const files = await ConfiguredPage.save(page, folder);
    const { serve } = await nodeStack(join(folder, 'node'));
    const [inTheClear = 0] = await freePorts(1);
    return {
      serve,
      call: (identity, port, server) => {
        const differs = { ':8443': `:${port}`, ':8080': `:${inTheClear}`, [`verifyhost ${hostOf('cart')}`]: `verifyhost ${hostOf(server)}` };
        const run = files.fillIn(identity, (here) => ({ '/run/haproxy': join(here, 'haproxy'), ...differs }));
        return callThrough([loop, haproxy('call.cfg')], inTheClear, run);
      },
    };
  },
});
