import { randomUUID } from 'node:crypto';
import { mkdtemp, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { MtlsdError } from '../../errors/index.ts';
import { receiptsPrefix, type CARotation, type CARotationSpec } from '../../resources/index.ts';
import { publicKeysEntry } from '../../rotation/receipt/index.ts';
import { requestsFolder } from '../../store/directory/index.ts';
import { readProblems, sightOfFolder } from '../overview/output-folder.ts';
import { requireValid, rotationNamed, type RotationDraft, type RotationSight, type RotationSite } from './site.ts';
import type { WriteProbe } from './write-probe.ts';

/** Names the file below `requests/` that a rotation came from. */
const sourceAnnotation = 'mtlsd.io/source';
/** A running mtlsd takes a request within a second; a busy machine gets more. */
const patienceMs = 10_000;
const pauseMs = 100;
/** Files that a drill writes. */
const probeWrites = 100;

/** The output folder of `mtlsd run`: requests go in as files, status comes out as files. */
export class RotationFolder implements RotationSite {
  readonly kind = 'folder';
  readonly options: string;
  readonly #out: string;
  readonly #patienceMs: number;

  /** @param waitMs how long a running mtlsd may take to see a request, milliseconds */
  constructor(out: string, options: string, waitMs = patienceMs) {
    this.#out = out;
    this.options = options;
    this.#patienceMs = waitMs;
  }

  async look(): Promise<RotationSight> {
    return { ...(await sightOfFolder(this.#out)), sourceProblems: await readProblems(this.#out) };
  }

  async around(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async probeWrites(): Promise<WriteProbe> {
    const folder = await mkdtemp(join(this.#out, '.drill-'));
    try {
      const startMs = performance.now();
      for (let count = 0; count < probeWrites; count += 1) await writeWhole(folder, String(count), 'x'.repeat(2_048));
      return { writes: probeWrites, writesPerSecond: probeWrites / ((performance.now() - startMs) / 1000), seenSeconds: 0, where: `files in ${this.#out}, removed again` };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async create(draft: RotationDraft): Promise<void> {
    requireValid(draft);
    const { name } = draft.metadata;
    const file = `${name}.yaml`;
    const before = await this.look();
    if (before.rotations.some(({ metadata }) => metadata.name === name) || (await isThere(join(this.#out, requestsFolder, file)))) {
      throw new MtlsdError('STORE_ALREADY_EXISTS', `CARotation ${name} exists: give another --name, or leave it out`, { details: { object: `CARotation ${name}` } });
    }
    await this.#write(file, draft);
    const taken = await this.#untilTaken(name, file, ({ rotations }) => rotations.some((rotation) => rotation.metadata.name === name));
    if (taken) return;
    // Nobody is there: what was asked for now must not begin by surprise at the next start.
    await rm(join(this.#out, requestsFolder, file), { force: true });
    throw this.#notTaken(`CARotation ${name} was withdrawn: no mtlsd took it`);
  }

  async change(name: string, edit: (spec: CARotationSpec) => CARotationSpec): Promise<void> {
    const stored = rotationNamed(await this.look(), name);
    const file = stored.metadata.annotations?.[sourceAnnotation] ?? `${name}.yaml`;
    const draft = await this.#read(file, stored);
    const next = { ...draft, spec: edit(draft.spec) };
    if (isDeepStrictEqual(next.spec, draft.spec)) return;
    requireValid(next, stored);
    await this.#write(file, next);
    const taken = await this.#untilTaken(name, file, ({ rotations }) => rotations.some((rotation) => rotation.metadata.name === name && includes(rotation.spec, next.spec)));
    if (!taken) throw this.#notTaken(`${join(this.#out, requestsFolder, file)} was changed, and no mtlsd took it yet: it counts as soon as one runs`);
  }

  async rotation(name: string): Promise<CARotation | undefined> {
    const text = await this.#text(join('status', 'CARotation', `${name}.yaml`));
    return text === undefined ? undefined : (parse(text) as CARotation);
  }

  async receipt({ spec, status }: CARotation): Promise<string | undefined> {
    if (status?.receipt === undefined) return undefined;
    return this.#text(join('receipts', status.receipt.configMap.startsWith(receiptsPrefix) ? status.receipt.configMap.slice(receiptsPrefix.length) : spec.trustDomain, status.receipt.key));
  }

  async publicKeys(trustDomain: string): Promise<string> {
    return (await this.#text(join('receipts', trustDomain, publicKeysEntry))) ?? '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.resolve();
  }

  async #text(below: string): Promise<string | undefined> {
    return readFile(join(this.#out, below), 'utf8').catch(() => undefined);
  }

  /** The request as its file has it: what is written there counts, not what is in force. */
  async #read(file: string, stored: CARotation): Promise<RotationDraft> {
    const path = join(this.#out, requestsFolder, file);
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      throw new MtlsdError('CONFIGURATION_INVALID', `${path}, from which CARotation ${stored.metadata.name} came, cannot be read: only its file changes it`, { details: { option: '--out' }, cause: error });
    });
    const [document, ...more] = [...parseAllDocuments(text)];
    const content = document?.errors.length === 0 ? (document.toJS() as RotationDraft | null) : null;
    if (more.length > 0 || content?.kind !== 'CARotation' || content.metadata.name !== stored.metadata.name) {
      throw new MtlsdError('CONFIGURATION_INVALID', `${path} holds more or something else than CARotation ${stored.metadata.name}: change it there`, { details: { option: '--out' } });
    }
    return content;
  }

  async #write(file: string, draft: RotationDraft): Promise<void> {
    const folder = join(this.#out, requestsFolder);
    if (!(await isThere(folder))) throw new MtlsdError('OUTPUT_NOT_FOUND', `${folder} is missing: \`mtlsd run\` makes it; start it with --out ${this.#out}`, { details: { path: this.#out } });
    try {
      await writeWhole(folder, file, stringify(draft, { lineWidth: 0 }));
    } catch (error) {
      throw new MtlsdError('CONFIGURATION_INVALID', `${folder} cannot be written (${(error as NodeJS.ErrnoException).code ?? 'unknown error'}): ask as the user that runs mtlsd`, { details: { option: '--out' }, cause: error });
    }
  }

  /** Waits until a running mtlsd shows it. @throws CONFIGURATION_INVALID with what mtlsd says is wrong with the file */
  async #untilTaken(name: string, file: string, isTaken: (sight: RotationSight) => boolean): Promise<boolean> {
    const endMs = performance.now() + this.#patienceMs;
    while (performance.now() < endMs) {
      await sleep(pauseMs);
      const sight = await this.look();
      if (isTaken(sight)) return true;
      const problem = sight.sourceProblems.find(({ object, message }) => object === `CARotation ${name}` || message.startsWith(`${requestsFolder}/${file}`));
      if (problem !== undefined) throw new MtlsdError('CONFIGURATION_INVALID', problem.message, { details: { option: name } });
    }
    return false;
  }

  #notTaken(what: string): MtlsdError {
    return new MtlsdError('ROTATION_NOT_TAKEN', `${what}. Is \`mtlsd run … --out ${this.#out}\` running?`, { details: { path: this.#out } });
  }
}

/** In one step, so that nobody reads a half; on disk when it returns. */
async function writeWhole(folder: string, file: string, text: string): Promise<void> {
  const temporary = join(folder, `.${randomUUID()}`);
  try {
    await using handle = await open(temporary, 'wx', 0o600);
    await handle.writeFile(text);
    await handle.sync();
    await rename(temporary, join(folder, file));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(() => true, () => false);
}

/** Whether a spec in force, which has its defaults filled in, says what was asked for. */
function includes(inForce: CARotationSpec, asked: CARotationSpec): boolean {
  return Object.entries(asked).every(([field, value]) => isDeepStrictEqual(inForce[field as keyof CARotationSpec], value));
}
