import { join } from 'node:path';
import { freePorts } from '../cluster/ports.ts';
import { nodeStack } from './node-peer.ts';
import { httpTalk } from './probe.ts';
import { callThrough, ConfiguredPage, serveBeside } from './proxy-run.ts';
import { serversThere } from './servers.ts';
import { hostOf, idOf } from './site.ts';
import { testStack } from './stack-tests.ts';

const page = 'nginx';
// As another user nginx cannot write where Debian's package makes it write.
const ready = serversThere(page, 'nginx', 'curl', 'root');

const nginx = (file: string): string => `nginx -e stderr -c "$PWD/${file}" -g 'daemon off;'`;
const loop = (file: string): string => `sh reload.sh "$PWD/${file}"`;
/** As it stands in a regular expression. */
const escaped = (id: string): string => id.replaceAll('.', String.raw`\.`);

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
        const run = files.fillIn(identity, (here) => ({ '/run/nginx.pid': join(here, 'nginx.pid'), ':8443': `:${port}`, [escaped(idOf('checkout'))]: escaped(idOf(client)) }));
        return serveBeside(loop('serve.conf'), nginx('serve.conf'), run);
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
        const differs = { ':8443': `:${port}`, ':8080': `:${inTheClear}`, [hostOf('cart')]: hostOf(server) };
        const run = files.fillIn(identity, (here) => ({ '/run/nginx.pid': join(here, 'nginx.pid'), ...differs }));
        return callThrough([loop('call.conf'), nginx('call.conf')], inTheClear, run);
      },
    };
  },
});
