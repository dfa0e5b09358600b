import type { GateJudge } from '../types.ts';
import { written } from './written.ts';

/** Withdrawn: every place of the bundle carries the one without the old root. */
export const withdrawn: GateJudge = (view) => ({ ...written(view), because: 'no place of the bundle carries the old root any more' });
