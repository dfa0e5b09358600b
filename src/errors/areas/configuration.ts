import { entry } from '../entry.ts';

/** Errors of the command line and of what it is given. */
export const configurationErrors = {
  CONFIGURATION_INVALID: entry<{ readonly option: string }>({
    meaning: 'An option or argument has a value that cannot be used.',
    remedy: 'Correct the option that the message names; `--help` shows what it takes.',
    status: 400,
    retry: 'never',
    reason: 'ConfigurationInvalid',
  }),
  OUTPUT_NOT_FOUND: entry<{ readonly path: string }>({
    meaning: 'The folder holds no output of `mtlsd run`.',
    remedy: 'Name the folder that `mtlsd run` was given as `--out`.',
    status: 404,
    retry: 'never',
    reason: 'OutputNotFound',
  }),
} as const;
