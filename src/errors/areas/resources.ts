import { entry } from '../entry.ts';

/** Errors of `resources`: values in manifests and flags that cannot be read. */
export const resourcesErrors = {
  DURATION_INVALID: entry<{ readonly value: string }>({
    meaning: 'A duration cannot be read.',
    remedy: 'Write hours, minutes and seconds, such as 1h, 1h30m or 90s; there is no unit for days.',
    status: 422,
    retry: 'never',
    reason: 'InvalidDuration',
  }),
} as const;
