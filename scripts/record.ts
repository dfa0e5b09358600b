/**
 * `npm run record`: runs the shop example in a terminal (tmux) for a while, drops a manifest in, and writes what the terminal
 * showed to docs/media/first-light.svg. With `--still SECOND FILE` it writes that moment alone, as a picture without motion.
 */
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { animatedSvg, type Frame, type Picture } from './record/animated-svg.ts';
import { Terminal } from './record/tmux.ts';

const root = join(import.meta.dirname, '..');
const size = { columns: 112, rows: 40 } as const;
const picture: Picture = { columns: size.columns, rows: 16, title: 'npm start', speed: 4, restMs: 3_000 };
const recordedMs = 48_000;
const frameMs = 2_000;
const addedAtMs = 20_000;

/** What somebody saves into the folder of manifests while mtlsd runs. */
const added = `apiVersion: mtlsd.io/v1alpha1
kind: WorkloadIdentity
metadata: {name: payments, namespace: bank}
spec: {ttl: 1m}
`;

async function record(): Promise<readonly Frame[]> {
  // A folder of its own: the recording edits manifests, and always begins with an authority that is new.
  const folder = await mkdtemp(join(tmpdir(), 'mtlsd-record-'));
  try {
    for (const name of ['bin', 'scripts', 'src', 'crds', 'node_modules', 'package.json']) await symlink(join(root, name), join(folder, name));
    await cp(join(root, 'examples'), join(folder, 'examples'), { recursive: true });
    await using terminal = await Terminal.open(size, folder, 'npm start --silent; sleep 60');
    const frames: Frame[] = [];
    const startMs = performance.now();
    let isAdded = false;
    for (let atMs = 0; atMs < recordedMs; atMs = performance.now() - startMs) {
      if (!isAdded && atMs >= addedAtMs) {
        await writeFile(join(folder, 'examples', 'shop', 'payments.yaml'), added);
        isAdded = true;
      }
      const lines = await terminal.lines();
      if (frames.length > 0 || lines.some((line) => line.includes('IDENTITY'))) frames.push({ atMs, lines });
      await sleep(frameMs - ((performance.now() - startMs) % frameMs));
    }
    if (frames.length === 0) throw new Error(`the terminal never showed the table of identities, but:\n${(await terminal.lines()).join('\n').trim()}`);
    await terminal.press('C-c');
    await sleep(1_000);
    return frames;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const [mode, second = '0', file = 'still.svg'] = process.argv.slice(2);
const frames = await record();
const still = mode === '--still';
const target = still ? file : join(root, 'docs', 'media', 'first-light.svg');
const chosen = still ? frames.filter(({ atMs }) => atMs <= Number(second) * 1000).slice(-1) : frames;
const svg = animatedSvg(chosen, picture);
await mkdir(dirname(target), { recursive: true });
await writeFile(target, svg);
console.log(`${target}: ${chosen.length} frames, ${Math.ceil(svg.length / 1024)} KiB`);
