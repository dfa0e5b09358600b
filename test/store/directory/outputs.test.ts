import { spawn, spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Store } from '../../../src/store/port.ts';
import { eventually } from '../../contract/store-contract.ts';
import { Recorder } from '../../contract/recorder.ts';
import { base64, failure, failureCode, generationOf, pair, precondition, record, tree, Workbench } from './workbench.ts';

const secretKey = { kind: 'Secret', namespace: 'shop', name: 'cart-mtls' } as const;
const recordKey = { kind: 'Secret', namespace: 'mtlsd-system', name: 'mtlsd-authorities-shop.example' } as const;
const modeOf = (path: string) => (statSync(path).mode & 0o7777).toString(8);
const loseEntry = (folder: string, name: string) => rmSync(join(folder, name), { recursive: true });

async function current(store: Store) {
  const found = await store.get(secretKey);
  if (found === undefined) throw new Error('the Secret is gone');
  return found;
}

describe('the files of an identity', () => {
  test('lie in kubelet\'s layout; content and metadata switch together; old generations go', async () => {
    using bench = new Workbench();
    const store = await bench.open();
    await store.write(pair('cart', 1), 'absent');
    for (let generation = 2; generation <= 6; generation += 1) await store.write(pair('cart', generation), precondition(await current(store)));
    const folder = bench.identity('cart');
    expect(readdirSync(folder).filter((name) => !name.startsWith('..')).toSorted()).toEqual(['credential-bundle.pem', 'tls.crt', 'tls.key']);
    expect(readlinkSync(join(folder, 'tls.crt'))).toBe('..data/tls.crt');
    expect(readdirSync(folder).filter((name) => name.startsWith('..v'))).toHaveLength(3);
    expect(generationOf(folder)).toBe('6');
    const meta = JSON.parse(readFileSync(join(folder, readlinkSync(join(folder, '..data')), '..meta.json'), 'utf8')) as { object: { metadata: { annotations: object } } };
    expect(meta.object.metadata.annotations).toMatchObject({ generation: '6' });
    expect(JSON.stringify(meta)).not.toContain(base64('key 6\n'));
    const { data: _data, ...rest } = pair('cart', 7);
    await store.write({ ...rest, data: { 'only.pem': '' } }, precondition(await current(store)));
    expect(readdirSync(folder).filter((name) => !name.startsWith('..'))).toEqual(['only.pem']);
    await store.delete(secretKey, precondition(await current(store)));
    expect(tree(join(bench.out, 'identities'))).toEqual(['shop']);
    await store.close();
  });

  test('keys are for their owner alone, certificates for all; annotations and defaults change that; the umask does not', async () => {
    using bench = new Workbench();
    const before = process.umask(0o077);
    try {
      const store = await bench.open({ fileMode: '0440' });
      const folder = bench.identity('cart');
      await store.write(pair('cart', 1), 'absent');
      expect([modeOf(folder), modeOf(join(folder, 'tls.key')), modeOf(join(folder, 'tls.crt'))]).toEqual(['755', '440', '644']);
      await store.write(pair('cart', 2, { annotations: { 'mtlsd.io/file-mode': '0640' } }), precondition(await current(store)));
      expect([modeOf(join(folder, 'tls.key')), modeOf(join(folder, 'tls.crt'))]).toEqual(['640', '640']);
      await store.close();
      const plain = await bench.open();
      await plain.write(pair('cart', 3), precondition(await current(plain)));
      expect(['tls.key', 'credential-bundle.pem', 'tls.crt'].map((name) => modeOf(join(folder, name)))).toEqual(['600', '600', '644']);
      await plain.close();
    } finally {
      process.umask(before);
    }
  });

  test('a key never has more than its final mode, from the first moment on', async () => {
    using bench = new Workbench();
    const modes = new Set<string>();
    const store = await bench.open({
      probe: (when, _call, path) => {
        if (when === 'after' && path.endsWith('tls.key')) modes.add((lstatSync(path).mode & 0o7777).toString(8));
      },
    });
    await store.write(pair('cart', 1, { annotations: { 'mtlsd.io/file-mode': '0400' } }), 'absent');
    for (const mode of modes) expect(['400', '777']).toContain(mode);
    expect(modes.has('400')).toBe(true);
    await store.close();
  });

  test.each([
    ['mtlsd.io/file-mode', '0666'],
    ['mtlsd.io/file-mode', '4600'],
    ['mtlsd.io/file-mode', '0200'],
    ['mtlsd.io/file-mode', 'rw'],
    ['mtlsd.io/file-owner', 'root'],
    ['mtlsd.io/identity', '../../escape'],
  ])('the annotation %s: %s is refused and writes nothing', async (annotation, value) => {
    using bench = new Workbench();
    const store = await bench.open();
    const error = await failure(store.write(pair('cart', 1, { annotations: { [annotation]: value } }), 'absent'));
    expect(error.code).toBe('STORE_INVALID');
    expect(error.message).toContain(annotation);
    expect(tree(join(bench.out, 'identities')).filter((path) => path.includes('tls.key'))).toEqual([]);
    await store.close();
  });

  test('an owner is set as root, and refused with the reason otherwise', async () => {
    using bench = new Workbench();
    let refuse = process.getuid?.() !== 0;
    const store = await bench.open({
      probe: (when, call) => {
        if (refuse && when === 'before' && call === 'chown') throw Object.assign(new Error('operation not permitted'), { code: 'EPERM' });
      },
    });
    const owned = (generation: number) => pair('cart', generation, { annotations: { 'mtlsd.io/file-owner': '1234:2345' } });
    if (!refuse) {
      await store.write(owned(1), 'absent');
      const { uid, gid } = statSync(join(bench.identity('cart'), 'tls.key'));
      expect([uid, gid]).toEqual([1234, 2345]);
      await store.delete(secretKey, precondition(await current(store)));
    }
    refuse = true;
    const error = await failure(store.write(owned(2), 'absent'));
    expect(error.code).toBe('STORE_FORBIDDEN');
    expect(error.message).toContain('root');
    expect(generationOf(bench.identity('cart'))).toBeUndefined();
    await store.close();
  });

  test('what someone else does to them is seen, shows as another version, and can be repaired', async () => {
    using bench = new Workbench();
    const store = await bench.open();
    const folder = bench.identity('cart');
    const recorder = new Recorder<'Secret'>();
    using _watch = recorder.watch(store, 'Secret', {});
    const foreign: readonly (() => void)[] = [
      () => writeFileSync(join(folder, 'tls.crt'), 'not ours'),
      () => loseEntry(folder, 'tls.key'),
      () => {
        loseEntry(folder, 'tls.crt');
        writeFileSync(join(folder, 'tls.crt'), 'in the place of the link');
      },
    ];
    let known = await store.write(pair('cart', 0), 'absent');
    for (const [index, edit] of foreign.entries()) {
      edit();
      await eventually('the watch hears of it', () => recorder.versionOf('cart-mtls') !== known.metadata.resourceVersion || undefined);
      const edited = await current(store);
      expect(edited.metadata.uid).toBe(known.metadata.uid);
      expect(edited.data).not.toEqual(known.data);
      expect(await failureCode(store.write(pair('cart', index + 1), precondition(known)))).toBe('STORE_CONFLICT');
      known = await store.write(pair('cart', index + 1), precondition(edited));
      expect(generationOf(folder)).toBe(String(index + 1));
      expect(readlinkSync(join(folder, 'tls.crt'))).toBe('..data/tls.crt');
    }
    rmSync(folder, { recursive: true });
    await eventually('the removal', () => (recorder.uidOf('cart-mtls') === undefined ? true : undefined));
    expect(await store.get(secretKey)).toBeUndefined();
    await store.write(pair('cart', 9), 'absent');
    expect(generationOf(folder)).toBe('9');
    await store.close();
  });

  test('another Secret of the same identity takes the folder over in one step; the old one is gone', async () => {
    using bench = new Workbench();
    const store = await bench.open();
    const old = await store.write(pair('cart', 1), 'absent');
    const recorder = new Recorder<'Secret'>();
    using _watch = recorder.watch(store, 'Secret', {});
    await eventually('the snapshot', () => recorder.synced || undefined);
    await store.write(pair('cart', 2, { name: 'renamed' }), 'absent');
    expect(generationOf(bench.identity('cart'))).toBe('2');
    expect(await store.get(secretKey)).toBeUndefined();
    expect(await failureCode(store.delete(secretKey, precondition(old)))).toBe('STORE_NOT_FOUND');
    await eventually('the watch shows one', () => recorder.current().map(({ metadata }) => metadata.name).join() === 'renamed' || undefined);
    expect(generationOf(bench.identity('cart'))).toBe('2');
    await store.close();
  });

  test('a restart finds them as they were, version included', async () => {
    using bench = new Workbench();
    let store = await bench.open();
    const written = await store.write(pair('cart', 1), 'absent');
    const own = await store.write(record('epoch 1'), 'absent');
    await store.close();
    store = await bench.open();
    expect(await store.get(secretKey)).toEqual(written);
    expect(await store.get(recordKey)).toEqual(own);
    await store.write(pair('cart', 2), precondition(written));
    await store.close();
  });

  test('a full disk: the old pair stays, the error says so, and it goes on when there is room', async () => {
    using bench = new Workbench();
    const small = join(bench.root, 'small');
    mkdirSync(small);
    // Without the right to mount a small disk, the calls fail as they do on a full one.
    const mounted = spawnSync('/usr/bin/env', ['mount', '-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', small]).status === 0;
    let full = false;
    try {
      const store = await bench.open({
        out: join(small, 'out'),
        probe: (when, call, path) => {
          if (full && when === 'before' && call === 'write' && path.endsWith('tls.key')) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
        },
      });
      const first = await store.write(pair('cart', 1), 'absent');
      full = !mounted;
      const error = await failure(store.write(pair('cart', 2, { padding: 400_000 }), precondition(first)));
      full = false;
      expect(error.code).toBe('STORE_UNAVAILABLE');
      expect(error.message).toContain('full');
      const folder = join(small, 'out', 'identities', 'shop', 'cart');
      expect(generationOf(folder)).toBe('1');
      expect(readdirSync(folder).filter((name) => name.startsWith('..v'))).toHaveLength(1);
      await store.write(pair('cart', 3), precondition(await current(store)));
      expect(generationOf(folder)).toBe('3');
      await store.close();
    } finally {
      if (mounted) spawnSync('/usr/bin/env', ['umount', '-l', small]);
    }
  });
});

describe('authority records', () => {
  test('are closed to others and never absent when damaged', async () => {
    using bench = new Workbench();
    let store = await bench.open();
    await store.write(record('epoch 1'), 'absent');
    const file = join(bench.state, 'secrets', 'mtlsd-system', 'mtlsd-authorities-shop.example.json');
    expect([modeOf(bench.state), modeOf(join(bench.state, 'secrets')), modeOf(file)]).toEqual(['700', '700', '600']);
    const good = readFileSync(file, 'utf8');
    for (const [text, code] of [
      ['', 'STORE_STATE_DAMAGED'],
      [good.slice(0, 100), 'STORE_STATE_DAMAGED'],
      ['{"version":1}', 'STORE_STATE_DAMAGED'],
      [good.replace('mtlsd-authorities-shop.example', 'another'), 'STORE_STATE_DAMAGED'],
      [good.replace('"version": 1', '"version": 2'), 'STORE_STATE_NEWER'],
    ] as const) {
      writeFileSync(file, text);
      const error = await failure(store.get(recordKey));
      expect(error.code).toBe(code);
      expect(error.message).toContain(file);
      expect(error.message).not.toContain(base64('epoch 1'));
      expect(await failureCode(store.write(record('a new root'), 'absent'))).toBe(code);
      expect(readFileSync(file, 'utf8')).toBe(text);
      await store.close();
      store = await bench.open();
      expect(await failureCode(store.get(recordKey))).toBe(code);
    }
    writeFileSync(file, good);
    expect((await store.get(recordKey))?.data).toEqual({ record: base64('epoch 1') });
    await store.close();
  });
});

describe('the folders', () => {
  test.each([
    ['output in manifests', { out: 'manifests/out' }],
    ['state in manifests', { state: 'manifests/state' }],
    ['state in output', { state: 'out/state' }],
    ['output in state', { out: 'state/out' }],
    ['manifests in output', { manifests: 'out/manifests' }],
    ['one folder for both', { out: 'same', state: 'same' }],
    ['through a link', { out: 'link/out' }],
  ] as const)('none may lie in another: %s', async (_name, folders) => {
    using bench = new Workbench();
    symlinkSync('manifests', join(bench.root, 'link'));
    const before = tree(bench.root);
    const paths = Object.fromEntries(Object.entries(folders).map(([name, path]) => [name, join(bench.root, path)]));
    expect(await failureCode(bench.open(paths))).toBe('STORE_FOLDERS_OVERLAP');
    expect(tree(bench.root)).toEqual(before);
  });

  test('an output or state folder with other files in it is refused and left as it is', async () => {
    using bench = new Workbench();
    mkdirSync(bench.out);
    writeFileSync(join(bench.out, 'letter.txt'), 'dear');
    const error = await failure(bench.open());
    expect(error.code).toBe('STORE_OUT_NOT_OURS');
    expect(error.message).toContain('letter.txt');
    expect(tree(bench.out)).toEqual(['letter.txt']);
    rmSync(bench.out, { recursive: true });
    rmSync(bench.state, { recursive: true });
    mkdirSync(bench.state);
    writeFileSync(join(bench.state, 'letter.txt'), 'dear');
    expect(await failureCode(bench.open())).toBe('STORE_STATE_NOT_OURS');
    expect(tree(bench.state)).toEqual(['letter.txt']);
  });

  test('an output folder goes with its state: with another one, or without the lost one, it is refused', async () => {
    using bench = new Workbench();
    await (await bench.open()).close();
    const error = await failure(bench.open({ state: join(bench.root, 'other') }));
    expect(error.code).toBe('STORE_OUT_NOT_OURS');
    expect(error.message).toContain('--state');
    rmSync(bench.state, { recursive: true });
    expect(await failureCode(bench.open())).toBe('STORE_OUT_NOT_OURS');
  });

  test.each(['state/state.json', 'out/.mtlsd-out'])('%s of a newer version is refused, a damaged one too', async (path) => {
    using bench = new Workbench();
    await (await bench.open()).close();
    writeFileSync(join(bench.root, path), '{"version":7}\n');
    const error = await failure(bench.open());
    expect(error.code).toBe('STORE_STATE_NEWER');
    expect(error.message).toContain(path);
    writeFileSync(join(bench.root, path), '{"vers');
    expect(await failureCode(bench.open())).toBe('STORE_STATE_DAMAGED');
  });

  test('the state folder is one process\' at a time; a killed one leaves it free', async () => {
    using bench = new Workbench();
    const store = await bench.open();
    const error = await failure(bench.open());
    expect(error.code).toBe('STORE_LOCKED');
    expect(error.message).toContain(`process ${process.pid}`);
    await store.close();
    const script = `
      const { openDirectoryStore } = await import(${JSON.stringify(join(import.meta.dirname, '../../../src/store/directory/index.ts'))});
      const store = await openDirectoryStore({ ...JSON.parse(process.argv[1]), nowMs: () => 0, newUid: () => crypto.randomUUID(), pid: process.pid });
      console.log('open');
      setInterval(() => store, 1000);`;
    const { manifests, out, state } = bench;
    const holder = spawn(process.execPath, ['--input-type=module', '-e', script, JSON.stringify({ manifests, out, state })], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await new Promise<void>((resolve, reject) => {
        holder.stdout.once('data', () => resolve());
        holder.once('exit', (code) => reject(new Error(`the holder ended with ${code}`)));
      });
      expect((await failure(bench.open())).message).toContain(`process ${holder.pid}`);
    } finally {
      const ended = new Promise((resolve) => {
        holder.once('exit', resolve);
      });
      holder.kill('SIGKILL');
      await ended;
    }
    await (await bench.open()).close();
  });
});
