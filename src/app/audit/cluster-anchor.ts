import { openKubernetesStore } from '../../store/kubernetes/index.ts';
import type { Log } from '../../telemetry/index.ts';
import { systemClock } from '../clock.ts';
import type { RotationClusterAddress } from '../rotation/cluster.ts';
import { StoreAnchor, type Anchored } from './anchor.ts';

/** The anchor as the cluster has it now. @throws STORE_…, CONFIGURATION_INVALID */
export async function readClusterAnchor({ namespace, ...address }: RotationClusterAddress, log: Log): Promise<Anchored> {
  await using store = openKubernetesStore({ ...address, environment: process.env, fieldManager: 'mtlsd-cli', log, random: Math.random, nowMs: () => systemClock.nowMs() });
  return await new StoreAnchor(store, namespace).read();
}
