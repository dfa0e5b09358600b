import { nodeStack } from './node-peer.ts';
import { httpTalk } from './probe.ts';
import { testStack } from './stack-tests.ts';

testStack({ page: 'node', ready: true, build: nodeStack, talk: httpTalk });
