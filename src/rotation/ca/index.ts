/**
 * What the rotation of an authority does next. A rotation passes gates: conditions with evidence, each a file of its own
 * below `gates/`. Pure: everything that is known of the world comes in, and at most one step goes out.
 */
export { isExempted } from './exemption.ts';
export { gateJudges } from './gate.ts';
export { leavesInTheWay, planRotation } from './plan.ts';
export { isRotatedAway, recordView } from './record-view.ts';
export type {
  AuthorityView,
  CanaryResult,
  ConsumerView,
  GateJudge,
  GateReport,
  LeafView,
  NodeView,
  ObservedRotation,
  ReaderView,
  RecordView,
  RememberedRotation,
  ReplicaView,
  RotationBounds,
  RotationPhase,
  RotationPlan,
  RotationStep,
  Straggler,
  TargetView,
} from './types.ts';
