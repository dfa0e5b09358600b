/** Runs kubectl as the administrator of a test cluster. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

/** How a kubectl command ended; a failure is a result, not an exception. */
export interface KubectlResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

/** Which kubectl, and against what. */
export interface KubectlTarget {
  readonly program: string;
  readonly kubeconfigPath: string;
  /** kubectl's discovery cache: one for each cluster, since two may have had the same port. */
  readonly cacheFolder: string;
}

/** @throws {Error} only when the program cannot be started */
export async function runKubectl(target: KubectlTarget, args: readonly string[], stdin = ''): Promise<KubectlResult> {
  const env = { ...process.env, KUBECONFIG: target.kubeconfigPath, KUBECACHEDIR: target.cacheFolder };
  const child = spawn(target.program, args, { env, stdio: 'pipe' });
  // kubectl may end without reading its input: then writing fails, and its exit code tells more than that.
  child.stdin.on('error', () => undefined);
  child.stdin.end(stdin);
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 128));
  });
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { stdout, stderr, code };
}
