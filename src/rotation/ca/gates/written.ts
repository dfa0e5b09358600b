import type { GateJudge } from '../types.ts';

/** Written: every Secret, ConfigMap and ClusterTrustBundle carries the bundle of the record, by reading back. */
export const written: GateJudge = ({ observed, record }) => {
  const behind = observed.targets.filter(({ generation }) => generation < record.bundleGeneration);
  return {
    done: observed.targets.length - behind.length,
    total: observed.targets.length,
    stragglers: behind.map(({ kind, namespace, name, generation, problem }) => ({
      kind,
      namespace,
      name,
      reason: problem ?? `it carries generation ${generation} of the bundle, not yet ${record.bundleGeneration}`,
    })),
    waitsFor: undefined,
    evidence: ['observed'],
    because: `every place of the bundle carries generation ${record.bundleGeneration}`,
  };
};
