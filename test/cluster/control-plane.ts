/**
 * One etcd, one kube-apiserver and, if asked for, one kube-controller-manager in a folder: made, started, stopped, restarted, put back to an older state.
 * The folder's `cluster.json` says what runs, so another process can take over where this one left off.
 * Nothing listens anywhere but on 127.0.0.1.
 */
import { constants } from 'node:fs';
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { createCredentials, credentialsIn, writeKubeconfig } from './credentials.ts';
import type { Credentials } from './credentials.ts';
import { apiServerFlags, auditPolicy, controllerManagerFlags, etcdFlags } from './flags.ts';
import type { ClusterOptions, Ports } from './flags.ts';
import { freePorts } from './ports.ts';
import { isAlive, killProcess, signal, startServer, stopProcess } from './process.ts';
import type { ProcessIdentity } from './process.ts';
import { answersOk, NotReadyError, waitUntilReady } from './readiness.ts';

const graceMs = 20_000;
const portTries = 3;

/** A server, by the name of its program. */
export type ServerName = 'etcd' | 'kube-apiserver' | 'kube-controller-manager';

/** The servers of a cluster with these options, in the order in which they start. */
export function serversOf(options: ClusterOptions): ServerName[] {
  return ['etcd', 'kube-apiserver', ...(options.controllerManager === true ? (['kube-controller-manager'] as const) : [])];
}

/** What `cluster.json` holds. */
export interface ClusterRecord {
  readonly options: ClusterOptions;
  readonly ports: Ports;
  readonly adminToken: string;
  /** Folder of etcd's data inside the cluster's folder; a restore moves on to a new one. */
  readonly etcdData: string;
  /** Servers that were started and not stopped since; they may have died on their own. */
  readonly processes: Partial<Record<ServerName, ProcessIdentity>>;
}

/** Told of each server that starts and stops, for a watchdog. */
export interface ProcessObserver {
  started(process: ProcessIdentity): void;
  stopped(process: ProcessIdentity): void;
}

const nobody: ProcessObserver = { started: () => undefined, stopped: () => undefined };

export class ControlPlane {
  readonly folder: string;
  readonly #binDir: string;
  readonly #observer: ProcessObserver;
  #record: ClusterRecord;

  private constructor(folder: string, binDir: string, record: ClusterRecord, observer: ProcessObserver) {
    this.folder = folder;
    this.#binDir = binDir;
    this.#record = record;
    this.#observer = observer;
  }

  /** Makes a new cluster in `folder`, which is created, and starts it. */
  static async create(folder: string, binDir: string, options: ClusterOptions, observer = nobody): Promise<ControlPlane> {
    await mkdir(join(folder, 'logs'), { recursive: true, mode: 0o700 });
    const adminToken = await createCredentials(join(folder, 'pki'));
    const record = { options, ports: await choosePorts(), adminToken, etcdData: 'etcd-0', processes: {} };
    const plane = new ControlPlane(folder, binDir, record, observer);
    await writeFile(plane.auditPolicyFile, stringify(auditPolicy));
    await plane.#startOnFreePorts();
    return plane;
  }

  /** Takes up the cluster that was made in `folder`; undefined when there is none. */
  static async open(folder: string, binDir: string): Promise<ControlPlane | undefined> {
    const text = await readFile(join(folder, 'cluster.json'), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : new ControlPlane(folder, binDir, JSON.parse(text) as ClusterRecord, nobody);
  }

  get record(): ClusterRecord {
    return this.#record;
  }
  get server(): string {
    return `https://127.0.0.1:${this.#record.ports.apiServer}`;
  }
  get etcdEndpoint(): string {
    return `http://127.0.0.1:${this.#record.ports.etcdClient}`;
  }
  get kubeconfigPath(): string {
    return join(this.folder, 'kubeconfig');
  }
  get credentials(): Credentials {
    return credentialsIn(join(this.folder, 'pki'));
  }
  get caFile(): string {
    return this.credentials.caFile;
  }
  get auditPolicyFile(): string {
    return join(this.folder, 'audit-policy.yaml');
  }
  get auditLogFile(): string {
    return join(this.folder, 'logs', 'audit.log');
  }
  logFile(name: ServerName): string {
    return join(this.folder, 'logs', `${name}.log`);
  }

  /** True while that server's process runs, ready or not. */
  async isRunning(name: ServerName): Promise<boolean> {
    const process = this.#record.processes[name];
    return process !== undefined && (await isAlive(process));
  }

  /** True when the API server answers that it is ready. */
  async isReady(): Promise<boolean> {
    return answersOk(await this.#apiCall('/readyz'));
  }

  /** Starts what does not run; returns when the API server is ready and, if there is one, the controller manager at work. */
  async start(): Promise<void> {
    await this.startEtcd();
    await this.startApiServer();
    if (this.#record.options.controllerManager === true) await this.#startControllerManager();
  }

  /** Resolves when etcd answers; starts it if it does not run. */
  async startEtcd(): Promise<void> {
    const flags = etcdFlags(join(this.folder, this.#record.etcdData), this.#record.ports);
    const process = await this.#running('etcd', flags);
    await waitUntilReady({ name: 'etcd', process, url: `${this.etcdEndpoint}/readyz`, logFile: this.logFile('etcd') });
  }

  /** Resolves when the API server is ready; starts it if it does not run. */
  async startApiServer(): Promise<void> {
    const name = 'kube-apiserver';
    const process = await this.#running(name, apiServerFlags(this, this.#record.ports, this.#record.options));
    await waitUntilReady({ name, process, logFile: this.logFile(name), ...(await this.#apiCall('/readyz')) });
  }

  /** Lets the server finish what it is doing. */
  async stopServer(name: ServerName): Promise<void> {
    await this.#end(name, (process) => stopProcess(process, graceMs));
  }

  /** SIGKILL. */
  async killServer(name: ServerName): Promise<void> {
    await this.#end(name, killProcess);
  }

  /** SIGKILL to all: for a cluster whose data goes with it. */
  async kill(): Promise<void> {
    for (const name of serversOf(this.#record.options).reverse()) await this.killServer(name);
  }

  /** Stops all, clients before their servers. */
  async stop(): Promise<void> {
    for (const name of serversOf(this.#record.options).reverse()) await this.stopServer(name);
  }

  /**
   * Copies etcd's data to a new folder. Etcd is paused (SIGSTOP) meanwhile: its files are then what a crash
   * would leave, and etcd starts from that. The pause is a quarter of a second and nobody is disconnected.
   */
  async snapshotEtcd(target: string): Promise<void> {
    const source = join(this.folder, this.#record.etcdData);
    const process = this.#record.processes['etcd'];
    if (process !== undefined) await signal(process, 'SIGSTOP');
    try {
      await copyFolder(source, target);
    } finally {
      if (process !== undefined) await signal(process, 'SIGCONT');
    }
  }

  /** Stops all servers and starts them on a copy of the snapshot: the cluster is back in time, revisions included. */
  async restoreEtcd(snapshot: string): Promise<void> {
    const previous = this.#record.etcdData;
    const generation = Number(previous.split('-')[1]) + 1;
    await this.stop();
    await copyFolder(snapshot, join(this.folder, `etcd-${generation}`));
    await this.#save({ etcdData: `etcd-${generation}` });
    await rm(join(this.folder, previous), { recursive: true });
    await this.start();
  }

  /** Somebody may take a port between our look and the server's bind; then the next ones are tried. */
  async #startOnFreePorts(): Promise<void> {
    for (let tries = 1; ; tries++) {
      await writeKubeconfig(this.kubeconfigPath, { server: this.server, caFile: this.caFile, token: this.#record.adminToken });
      try {
        return await this.start();
      } catch (error) {
        await this.stop();
        const taken = error instanceof NotReadyError && error.log.includes('address already in use');
        if (!taken || tries === portTries) throw error;
        await this.#save({ ports: await choosePorts() });
      }
    }
  }

  async #startControllerManager(): Promise<void> {
    const name = 'kube-controller-manager';
    const process = await this.#running(name, controllerManagerFlags(this.kubeconfigPath, this.credentials));
    // Its first visible work; its own health page answers before any controller runs.
    const call = await this.#apiCall('/api/v1/namespaces/default/serviceaccounts/default');
    await waitUntilReady({ name, process, logFile: this.logFile(name), ...call });
  }

  async #apiCall(path: string): Promise<{ url: string; ca: string; token: string }> {
    return { url: `${this.server}${path}`, ca: await readFile(this.caFile, 'utf8'), token: this.#record.adminToken };
  }

  async #running(name: ServerName, flags: readonly string[]): Promise<ProcessIdentity> {
    const known = this.#record.processes[name];
    if (known !== undefined && (await isAlive(known))) return known;
    const process = await startServer(join(this.#binDir, name), flags, this.logFile(name));
    this.#observer.started(process);
    await this.#save({ processes: { ...this.#record.processes, [name]: process } });
    return process;
  }

  async #end(name: ServerName, end: (process: ProcessIdentity) => Promise<void>): Promise<void> {
    const { [name]: process, ...others } = this.#record.processes;
    if (process === undefined) return;
    await end(process);
    this.#observer.stopped(process);
    await this.#save({ processes: others });
  }

  async #save(change: Partial<ClusterRecord>): Promise<void> {
    this.#record = { ...this.#record, ...change };
    const file = join(this.folder, 'cluster.json');
    await writeFile(`${file}.new`, `${JSON.stringify(this.#record, null, 2)}\n`, { mode: 0o600 });
    await rename(`${file}.new`, file);
  }
}

async function choosePorts(): Promise<Ports> {
  const [apiServer, etcdClient, etcdPeer] = await freePorts(3);
  if (apiServer === undefined || etcdClient === undefined || etcdPeer === undefined) throw new Error('three ports were asked for');
  return { apiServer, etcdClient, etcdPeer };
}

function copyFolder(source: string, target: string): Promise<void> {
  return cp(source, target, { recursive: true, errorOnExist: true, force: false, mode: constants.COPYFILE_FICLONE });
}
