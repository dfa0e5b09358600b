import { defineConfig } from 'vitest/config';

/**
 * One project a kind of test, so that each can run alone: `npx vitest run --project unit`.
 * What needs Go, OpenSSL or root says so itself and is counted (scripts/test.ts): nothing is skipped in silence.
 */
const project = (name: string, include: string[], options: { testTimeout?: number; fileParallelism?: boolean; isolate?: boolean; exclude?: string[] } = {}) => ({
  test: { name, include, environment: 'node' as const, testTimeout: 20_000, hookTimeout: 120_000, ...options },
});

export default defineConfig({
  test: {
    projects: [
      // The quick loop: pure code, in one module cache a worker.
      project('unit', ['test/{spiffe,x509,authority,issuance,rotation,resources,injection,tokens,errors,audit,telemetry,server,tidy}/**/*.test.ts'], {
        isolate: false,
        exclude: ['test/x509/{keystore,pkcs12}*.test.ts'],
      }),
      // Units that touch a disk, start a process, derive keys, or live through days of virtual time.
      project('component', ['test/{store,controllers,cli,app}/**/*.test.ts', 'test/x509/{keystore,pkcs12}*.test.ts'], { isolate: false }),
      project('contract', ['test/contract/**/*.test.ts']),
      project('model', ['test/{model,model-rotation}/**/*.test.ts'], { testTimeout: 180_000 }),
      project('fuzz', ['test/fuzz/**/*.test.ts'], { testTimeout: 120_000 }),
      project('standalone', ['test/standalone/**/*.test.ts'], { testTimeout: 120_000 }),
      project('conformance', ['test/conformance/**/*.test.ts'], { testTimeout: 300_000 }),
      // Workloads by the hundred under load while roots are rotated, and every judge on every leaf.
      project('rotation', ['test/rotation-live/**/*.test.ts'], { testTimeout: 600_000, fileParallelism: false }),
      project('clients', ['test/clients/**/*.test.ts'], { testTimeout: 120_000 }),
      project('docs', ['test/docs/**/*.test.ts'], { testTimeout: 120_000 }),
      project('cluster', ['test/cluster/**/*.test.ts'], { testTimeout: 300_000, fileParallelism: false }),
      // Real pods on a real kubelet: root, containerd and runc.
      project('node', ['test/node/**/*.test.ts'], { testTimeout: 600_000, fileParallelism: false }),
      // What takes longer than anybody waits for in CI: `npm run test:long`.
      project('long', ['test/long/**/*.test.ts'], { testTimeout: 3_600_000, fileParallelism: false }),
    ],
  },
});
