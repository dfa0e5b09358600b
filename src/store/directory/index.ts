/**
 * The store of a standalone mtlsd: a folder of manifests in, a folder of identities out, a folder of state between runs.
 * What is on disk is always one valid generation, whenever the process ends.
 */
export { Disk } from './disk.ts';
export type { DirectoryStore } from './directory-store.ts';
export { readFiles, readMeta, sweepGenerations, writeGeneration } from './generation-folder.ts';
export { type DirectoryStoreOptions, openDirectoryStore } from './open.ts';
export { problemsFile } from './problem-board.ts';
export { requestsFolder } from './requests.ts';
export { describeProblem, type SourceProblem, subjectOf } from './source-problem.ts';
