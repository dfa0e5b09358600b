/** What a command's exit status means: the same for all of them. */
export const exitCodes = {
  /** Done, and all is well. */
  ok: 0,
  /** Done, and the answer is no: an object is not Ready, a certificate does not verify. */
  no: 1,
  /** Not done: a wrong option, or input that cannot be read. */
  usage: 2,
  /** Not done: something that mtlsd needs is missing or in use (a lock, a folder that is not ours, a full disk). */
  unavailable: 3,
  /** Not done yet: it stands still until a person does something, or goes on after the command. */
  waits: 4,
  /** A defect of mtlsd. */
  internal: 70,
} as const;

/** The lines that every `--help` ends with. */
export const exitCodesHelp = `
Exit status:
  0   done, and all is well
  1   done, and the answer is no: an object is not Ready, a certificate does
      not verify
  2   a wrong option, or input that cannot be read
  3   something that mtlsd needs is missing or in use
  4   not done yet: a rotation waits for a person, or was left as it goes on
  70  a defect of mtlsd`;
