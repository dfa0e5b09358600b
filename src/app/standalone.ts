/**
 * The composition roots: configuration becomes a running daemon here, and this is the only folder that knows every part. The
 * clock, randomness, process ids and files of the machine enter here and go down as parameters.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { join, resolve } from 'node:path';
import { ProcessLease, ReservedEnds, startControllers, type Controllers, type ControllerContext } from '../controllers/index.ts';
import { openDirectoryStore, type DirectoryStore } from '../store/directory/index.ts';
import type { Clock, EventRecorder, Log, Metrics } from '../telemetry/index.ts';
import { generateKeyPair } from '../x509/index.ts';
import type { ApiConfig } from './api/config.ts';
import { identityServedWith } from './api/serving-pair.ts';
import { FileAnchor } from './audit/anchor.ts';
import { AuditedLease } from './audit/audited-lease.ts';
import { Audit, type AuditSettings } from './audit/open.ts';
import { StoreSecrets } from './audit/secrets.ts';
import { systemClock } from './clock.ts';
import { ManifestLog } from './manifest-log.ts';
import { Mirror } from './overview/mirror.ts';
import { problemRow } from './overview/output-folder.ts';
import type { Overview } from './overview/overview.ts';
import { passwordFiles } from './password-file.ts';

/** What `mtlsd run` is told. */
export interface StandaloneConfig {
  /** Folder with manifests. */
  readonly manifests: string;
  /** Folder for identities and status. */
  readonly out: string;
  /** Folder for authority records; beside `out`, never inside it. */
  readonly state: string;
  /** Mode and owner of private files where the identity does not say. */
  readonly access: { readonly fileMode?: string; readonly fileOwner?: string };
  readonly audit: AuditSettings;
  /** The HTTPS API; undefined: none is served. */
  readonly api?: ApiConfig | undefined;
}

/** Where standalone keeps what a cluster keeps in mtlsd's own namespace. */
export const systemNamespace = 'mtlsd-system';
/** Files are seen as they are written: nothing but the process itself is late. */
const delivery = { minTtlMs: 60_000, minTtlReason: 'the shortest that is kept fresh with a margin' };
/** A folder takes this many atomic writes a second on an ordinary disk; more would only queue up in it. */
const issuancesPerSecond = 1_000;
/** How long `settled` waits for passing trouble (a full disk, a lost race) to pass. */
const patienceMs = 10_000;

/** The reconcilers on a folder of manifests. */
export class Standalone implements AsyncDisposable {
  readonly #store: DirectoryStore;
  readonly #controllers: Controllers;
  readonly #clock: Clock;
  readonly #abort = new AbortController();
  readonly #mirror: Mirror;
  /** All that has to be closed, what was opened last at first. */
  readonly #parts: AsyncDisposableStack;

  private constructor(store: DirectoryStore, controllers: Controllers, clock: Clock, parts: AsyncDisposableStack) {
    this.#store = store;
    this.#controllers = controllers;
    this.#clock = clock;
    this.#parts = parts;
    this.#mirror = new Mirror(store, this.#abort.signal);
  }

  /** Opens the folders and starts to reconcile. @throws STORE_… when a folder cannot be used, CONFIGURATION_INVALID or ADDRESS_UNAVAILABLE for the API */
  static async start(config: StandaloneConfig, telemetry: { readonly log: Log; readonly events: EventRecorder; readonly metrics: Metrics }, clock: Clock = systemClock): Promise<Standalone> {
    await using opening = new AsyncDisposableStack();
    const store = await openDirectoryStore({
      manifests: resolve(config.manifests),
      out: resolve(config.out),
      state: resolve(config.state),
      nowMs: () => clock.nowMs(),
      newUid: () => randomUUID(),
      pid: process.pid,
      log: telemetry.log,
      ...config.access,
    });
    opening.defer(() => store.close());
    const manifestLog = new ManifestLog(telemetry.log);
    manifestLog.tell(store.problems());
    store.onProblems((problems) => manifestLog.tell(problems));
    const audit = opening.use(new Audit(config.audit, { replica: 'standalone', clock, log: telemetry.log }));
    const tools = { generateKeyPair, randomBytes: (length: number) => randomBytes(length) };
    const anchor = new FileAnchor(join(config.state, 'audit-heads.json'));
    audit.secure(new StoreSecrets({ store, clock, tools, systemNamespace, audit, log: telemetry.log }, anchor), anchor);
    const context: ControllerContext = {
      store,
      clock,
      tools,
      reserved: new ReservedEnds(),
      // One process at a time holds the lock of the state folder, for as long as it lives: that is its lease.
      lease: new AuditedLease(new ProcessLease(), audit),
      ...telemetry,
      audit,
      delivery,
      cluster: undefined,
      // Loaded when it is wanted, as few want it.
      fetchBundle: async (request) => (await import('./trust/fetch-bundle.ts')).bundleFetcher(clock)(request),
      readPasswordFile: passwordFiles(resolve(config.manifests)),
      servesBundles: config.api !== undefined,
      servingIdentity: config.api && identityServedWith(config.api.serving),
      systemNamespace,
      recordLocation: (trustDomain) => `the authority record of ${trustDomain} in ${config.state}`,
      issuancesPerSecond,
    };
    const controllers = await startControllers(context);
    opening.defer(() => controllers.stop());
    // Loaded when it is wanted: its server would double the time until the first identity.
    if (config.api !== undefined) opening.use(await (await import('./api/open.ts')).openApi(config.api, { store, clock, log: telemetry.log, audit, accounts: undefined, families: (await import('./api/families.ts')).apiFamilies({ ...context, controllers: () => controllers }) }));
    return new Standalone(store, controllers, clock, opening.move());
  }

  /** Everything as it is now. */
  overview(): Overview {
    return this.#mirror.overview(this.#store.problems().map(problemRow), this.#clock.nowMs());
  }

  /** Calls `listener` after each change of what `overview` shows. */
  onChange(listener: () => void): void {
    this.#mirror.onChange(listener);
    this.#store.onProblems(listener);
  }

  /** Resolves when nothing is left to do, or when what is left does not pass by itself. */
  async settled(): Promise<void> {
    const givenUpMs = performance.now() + patienceMs;
    let calm = 0;
    while (calm < 2) {
      await this.#controllers.whenIdle();
      // What was written comes back through the watch: idle counts when it stays so.
      await new Promise((resume) => setTimeout(resume, 50));
      const waits = this.#controllers.failing > 0 && performance.now() < givenUpMs;
      calm = waits ? 0 : calm + 1;
    }
    await this.#controllers.whenIdle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#parts[Symbol.asyncDispose]();
  }
}
