import { entry } from '../entry.ts';

/** Errors of commands about the rotation of authorities. */
export const rotationErrors = {
  ROTATION_NOT_FOUND: entry<{ readonly rotation: string }>({
    meaning: 'There is no CARotation of that name, or none is under way.',
    remedy: '`mtlsd status` lists the rotations that there are.',
    status: 404,
    retry: 'never',
    reason: 'RotationNotFound',
  }),
  ROTATION_NOT_POSSIBLE: entry<{ readonly trustDomain: string }>({
    meaning: 'What was asked for cannot be done with this trust domain, or with this rotation, as it stands.',
    remedy: 'Do what the message says; `mtlsd rotate root --dry-run` tells beforehand.',
    status: 409,
    retry: 'never',
    reason: 'RotationNotPossible',
  }),
  ROTATION_NOT_TAKEN: entry<{ readonly path: string }>({
    meaning: 'The request was put into the output folder, and nobody took it.',
    remedy: 'Start `mtlsd run` with this output folder, and ask again.',
    status: 503,
    retry: 'backoff',
    reason: 'RotationNotTaken',
  }),
} as const;
