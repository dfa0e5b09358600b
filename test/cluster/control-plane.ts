/**
 * One etcd, one kube-apiserver and, if asked for, one kube-controller-manager and one node in a folder: made, started,
 * stopped, restarted, put back to an older state.
 * The folder's `cluster.json` says what runs, so another process can take over where this one left off.
 * Nothing listens anywhere but on 127.0.0.1 and, for pods, on the node's own bridge.
 */
import { constants } from 'node:fs';
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { createCredentials, createNodeCredentials, credentialsIn, writeKubeconfig } from './credentials.ts';
import type { Credentials } from './credentials.ts';
import { apiServerFlags, auditPolicy, controllerManagerFlags, etcdFlags, schedulerFlags } from './flags.ts';
import type { ClusterOptions, Ports } from './flags.ts';
import type { CommandLine } from './node/node.ts';
import { containerdAnswers, containerdCommand, importImages, isNodeReady, kubeletCommand, prepareNode } from './node/node.ts';
import type { NodePlace } from './node/place.ts';
import { chooseNodePlace, nodeName } from './node/place.ts';
import { freePorts } from './ports.ts';
import { isAlive, killProcess, signal, startServer, stopProcess } from './process.ts';
import type { ProcessIdentity } from './process.ts';
import type { Call } from './readiness.ts';
import { answersOk, bodyOf, NotReadyError, waitUntilReady } from './readiness.ts';
import { serversOf } from './servers.ts';
import type { ServerName } from './servers.ts';

const graceMs = 20_000;
const portTries = 3;

/** What `cluster.json` holds. */
export interface ClusterRecord {
  readonly options: ClusterOptions;
  readonly ports: Ports;
  readonly adminToken: string;
  /** Folder of etcd's data inside the cluster's folder; a restore moves on to a new one. */
  readonly etcdData: string;
  /** Servers that were started and not stopped since; they may have died on their own. */
  readonly processes: Partial<Record<ServerName, ProcessIdentity>>;
  /** What the node takes of this machine, and archives of the images that it is to have. */
  readonly node?: NodePlace & { readonly images: readonly string[] };
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
  #saved: Promise<void> = Promise.resolve();

  private constructor(folder: string, binDir: string, record: ClusterRecord, observer: ProcessObserver) {
    this.folder = folder;
    this.#binDir = binDir;
    this.#record = record;
    this.#observer = observer;
  }

  /**
   * Makes a new cluster in `folder`, which is created, and starts it.
   * @param images archives for the node
   */
  static async create(folder: string, binDir: string, options: ClusterOptions, images: readonly string[] = [], observer = nobody): Promise<ControlPlane> {
    await mkdir(join(folder, 'logs'), { recursive: true, mode: 0o700 });
    const adminToken = await createCredentials(join(folder, 'pki'));
    if (options.node === true) await createNodeCredentials(join(folder, 'pki'), nodeName);
    const node = options.node === true ? { node: { ...(await chooseNodePlace(folder)), images } } : {};
    const record = { options, ports: await choosePorts(), adminToken, etcdData: 'etcd-0', processes: {}, ...node };
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

  /** Starts what does not run; returns when the API server is ready and, as far as there are, the controller manager and the node. */
  async start(): Promise<void> {
    await this.startEtcd();
    await this.startApiServer();
    const servers = serversOf(this.#record.options);
    await Promise.all([servers.includes('kube-controller-manager') ? this.#startControllerManager() : undefined, this.#startNode()]);
  }

  /** Resolves when etcd answers; starts it if it does not run. */
  async startEtcd(): Promise<void> {
    const flags = etcdFlags(join(this.folder, this.#record.etcdData), this.#record.ports);
    await this.#startServer('etcd', flags, () => answersOk({ url: `${this.etcdEndpoint}/readyz` }));
  }

  /** Resolves when the API server is ready; starts it if it does not run. */
  async startApiServer(): Promise<void> {
    const ready = await this.#apiCall('/readyz');
    await this.#startServer('kube-apiserver', apiServerFlags(this, this.#record.ports, this.#record.options), () => answersOk(ready));
  }

  /** Resolves when kubelet answers and the API server calls the node ready; starts it if it does not run. */
  async startKubelet(): Promise<void> {
    const { node } = this.#record;
    if (node === undefined) throw new Error('this cluster has no node: start it with `node`');
    const object = await this.#apiCall(`/api/v1/nodes/${nodeName}`);
    const isReady = async () => (await answersOk({ url: `http://127.0.0.1:${node.healthPort}/healthz` })) && isNodeReady(await bodyOf(object));
    await this.#startServer('kubelet', kubeletCommand(node, join(this.#binDir, 'kubelet')), isReady);
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
    for (const name of serversOf(this.#record.options).toReversed()) await this.killServer(name);
  }

  /** Stops all, clients before their servers. */
  async stop(): Promise<void> {
    for (const name of serversOf(this.#record.options).toReversed()) await this.stopServer(name);
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
    // Its first visible work; its own health page answers before any controller runs.
    const call = await this.#apiCall('/api/v1/namespaces/default/serviceaccounts/default');
    await this.#startServer('kube-controller-manager', controllerManagerFlags(this.kubeconfigPath, this.credentials), () => answersOk(call));
  }

  async #startNode(): Promise<void> {
    const { node } = this.#record;
    if (node === undefined) return;
    await prepareNode(node, this.server, this.credentials);
    await this.#startServer('kube-scheduler', schedulerFlags(this.kubeconfigPath), () => Promise.resolve(true));
    await this.#startServer('containerd', containerdCommand(node), () => containerdAnswers(node));
    await Promise.all([importImages(node, node.images), this.startKubelet()]);
  }

  async #apiCall(path: string): Promise<Call> {
    return { url: `${this.server}${path}`, ca: await readFile(this.caFile, 'utf8'), token: this.#record.adminToken };
  }

  /** Starts it if it does not run. `command`: of a built program, its flags. */
  async #startServer(name: ServerName, command: CommandLine | readonly string[], isReady: () => Promise<boolean>): Promise<void> {
    const process = await this.#running(name, 'program' in command ? command : { program: join(this.#binDir, name), args: command });
    await waitUntilReady({ name, process, logFile: this.logFile(name), isReady });
  }

  async #running(name: ServerName, { program, args }: CommandLine): Promise<ProcessIdentity> {
    const known = this.#record.processes[name];
    if (known !== undefined && (await isAlive(known))) return known;
    const process = await startServer(program, args, this.logFile(name));
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

  /** Servers may start side by side: each version of the file is whole, and the last one is the last. */
  async #save(change: Partial<ClusterRecord>): Promise<void> {
    this.#record = { ...this.#record, ...change };
    this.#saved = this.#saved.then(() => this.#write());
    await this.#saved;
  }

  async #write(): Promise<void> {
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
