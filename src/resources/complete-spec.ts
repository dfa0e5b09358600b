import { withDefaults } from './defaults.ts';
import type { WorkloadIdentitySpec } from './generated/workload-identity.ts';
import { specSchema } from './kinds.ts';

/** A WorkloadIdentity's spec as the API server stores it: with the defaults of its schema in their places. */
export function completeIdentitySpec(spec: WorkloadIdentitySpec): WorkloadIdentitySpec {
  return withDefaults(specSchema('WorkloadIdentity'), spec) as WorkloadIdentitySpec;
}
