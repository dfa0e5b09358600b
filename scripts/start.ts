/**
 * `npm start`: the shop example from a folder of manifests. `npm start -- --cluster`: the same shop on a real Kubernetes API
 * server of its own, which is built at the first time (minutes, with Go) and stopped in the end.
 */
const args = process.argv.slice(2);
if (args.includes('--cluster')) {
  const { startOnCluster } = await import('./start/on-cluster.ts');
  process.exitCode = await startOnCluster('shop');
} else {
  const { main } = await import('../src/cli/process.ts');
  await main(['run', 'examples/shop', '--out', '.mtlsd', ...args]);
}
