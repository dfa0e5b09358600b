/**
 * Injection: what a pod asks for by its label becomes a volume with its identity, mounted in every container, and environment
 * variables that say where. It promises to add and never to change: what a pod says itself stays, and what was added before is
 * not added again. The chart's MutatingAdmissionPolicy does the same inside the API server, in CEL; a test gives both the same
 * pods. Pure: it cannot look an identity up, so that nothing has to be running.
 */
export { injectManifest, type InjectedManifest } from './manifest.ts';
export { injectLabel, injectValues, settings, signerName, volumeName, type Delivery } from './names.ts';
export { identityAskedFor, settingOf } from './wish.ts';
