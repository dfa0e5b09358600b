/**
 * The images of test pods, made from what the machine has, without a registry: one layer each, in the form of
 * `docker save`, in a cache outside of the checkout. An image appears there complete or not at all.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, copyFile, mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { withLock } from '../lock.ts';
import { cacheRoot } from '../places.ts';
import type { Environment } from '../places.ts';
import type { BuildProgress } from '../progress.ts';

const run = promisify(execFile);
const peers = join(import.meta.dirname, '..', '..', 'node', 'peers');

/** `fill` puts files into the folder that becomes the image's root. */
interface Recipe {
  /** Files or folders whose content decides whether an image that was built is still right. */
  readonly sources: readonly string[];
  readonly entrypoint: readonly string[];
  readonly fill: (root: string) => Promise<void>;
}

const recipes = {
  pause: { sources: [join(import.meta.dirname, 'pause.c')], entrypoint: ['/pause'], fill: fillPause },
  shell: { sources: [], entrypoint: ['/bin/sh'], fill: fillShell },
  'go-peer': { sources: [join(peers, 'go')], entrypoint: ['/peer'], fill: fillGoPeer },
  'node-peer': { sources: [join(peers, 'node')], entrypoint: ['/node', '/peer.mts'], fill: fillNodePeer },
} satisfies Record<string, Recipe>;

/** An image; pods name it `mtlsd.test/NAME:1`, with `imagePullPolicy: Never`. */
export type Image = keyof typeof recipes;

export const allImages = Object.keys(recipes) as readonly Image[];

/** What a manifest names. */
export function imageName(image: Image): string {
  return `mtlsd.test/${image}:1`;
}

/**
 * Builds what is not in the cache and returns the archives, for `ctr images import`.
 * @throws {Error} when a program that a build needs fails
 */
export async function ensureImages(images: readonly Image[], env: Environment, progress: BuildProgress): Promise<readonly string[]> {
  const cache = join(cacheRoot(env), 'cluster-images');
  await mkdir(cache, { recursive: true });
  const files = await Promise.all(images.map(async (image) => join(cache, `${image}-${await hashOf(image)}.tar`)));
  await withLock(join(cache, 'build.lock'), (pid) => progress.note(`process ${pid} is building images; waiting for it`), async () => {
    for (const [index, image] of images.entries()) await buildOne(image, files[index] ?? '', progress);
  });
  return files;
}

async function buildOne(image: Image, file: string, progress: BuildProgress): Promise<void> {
  if (await exists(file)) return;
  const step = progress.begin(`image ${image}`);
  const folder = await mkdtemp(`${file}.`);
  try {
    const root = join(folder, 'root');
    await mkdir(root);
    await recipes[image].fill(root);
    await writeArchive(image, folder, root);
    await rename(join(folder, 'image.tar'), file);
    step.end(true);
  } catch (error) {
    step.end(false);
    throw new Error(`building the image ${image} failed: ${(error as Error).message}`, { cause: error });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What `docker save` writes, reduced to what containerd reads of it. */
async function writeArchive(image: Image, folder: string, root: string): Promise<void> {
  const layer = join(folder, 'layer.tar');
  await run('tar', ['--owner=0', '--group=0', '--numeric-owner', '--sort=name', '-C', root, '-cf', layer, '.']);
  const digest = (await run('sha256sum', [layer])).stdout.slice(0, 64);
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const config = { architecture, os: 'linux', config: { Entrypoint: recipes[image].entrypoint, Env: ['PATH=/bin'] }, rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] } };
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  await writeFile(join(folder, 'manifest.json'), JSON.stringify([{ Config: 'config.json', RepoTags: [imageName(image)], Layers: ['layer.tar'] }]));
  await run('tar', ['-C', folder, '-cf', join(folder, 'image.tar'), 'manifest.json', 'config.json', 'layer.tar']);
}

async function hashOf(image: Image): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([recipes[image].entrypoint, process.version, process.arch]));
  hash.update(await readFile(import.meta.filename));
  for (const source of recipes[image].sources) {
    for (const file of await filesIn(source)) hash.update(file).update(await readFile(file));
  }
  return hash.digest('hex').slice(0, 16);
}

async function filesIn(path: string): Promise<readonly string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => undefined);
  return entries === undefined ? [path] : entries.filter((entry) => entry.isFile()).map(({ name }) => join(path, name)).sort();
}

async function fillPause(root: string): Promise<void> {
  await run('gcc', ['-static', '-Os', '-s', '-o', join(root, 'pause'), join(import.meta.dirname, 'pause.c')]);
}

async function fillShell(root: string): Promise<void> {
  await Promise.all(['bin', 'tmp', 'etc'].map((name) => mkdir(join(root, name))));
  await copyFile(await realpath('/bin/busybox'), join(root, 'bin', 'busybox'));
  const { stdout } = await run('busybox', ['--list']);
  await Promise.all(stdout.trim().split('\n').filter((applet) => applet !== 'busybox').map((applet) => symlink('busybox', join(root, 'bin', applet))));
}

async function fillGoPeer(root: string): Promise<void> {
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '', GOWORK: 'off' };
  await run('go', ['build', '-trimpath', '-buildvcs=false', '-ldflags', '-s -w', '-o', join(root, 'peer'), '.'], { cwd: join(peers, 'go'), env });
}

/** The project's own Node, and the libraries that it asks for, where it asks for them. */
async function fillNodePeer(root: string): Promise<void> {
  await copyFile(process.execPath, join(root, 'node'));
  await run('strip', [join(root, 'node')]);
  await copyFile(join(peers, 'node', 'peer.mts'), join(root, 'peer.mts'));
  const { stdout } = await run('ldd', [process.execPath]);
  for (const [, path = ''] of stdout.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gmu)) {
    await mkdir(join(root, dirname(path)), { recursive: true });
    await copyFile(await realpath(path), join(root, path));
  }
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
