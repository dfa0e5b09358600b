import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { readIdentity, spiffeIdOf } from '../identity-folder.ts';
import type { ChildProcessByStdio } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { listening, Outcomes } from './listening.ts';
import { answer, handshakeTimeoutMs, question } from './peer.ts';
import type { Client, Outcome, Peer, Server, TlsVersion } from './peer.ts';

/**
 * `openssl s_server` and `s_client`. They read files only when they start and check no SPIFFE ID: each handshake gets a
 * process of its own, and the ID in the certificate that it prints is compared before the first line is sent.
 */
export const openSslPeer: Peer = { name: 'OpenSSL', serve, dial: async (folder) => new OpenSslClient(folder) };

type Tool = ChildProcessByStdio<Writable, Readable, Readable>;

function start(command: 's_server' | 's_client', folder: string, more: readonly string[]): Tool {
  const generation = readIdentity(folder).folder;
  const file = (name: string): string => join(generation, name);
  const trust = ['-CAfile', file('ca.crt'), '-no-CApath', '-no-CAstore', '-x509_strict', '-verify_return_error'];
  const own = ['-cert', file('tls.crt'), '-cert_chain', file('tls.crt'), '-key', file('tls.key')];
  return spawn('openssl', [command, ...trust, ...own, ...more], { stdio: ['pipe', 'pipe', 'pipe'] });
}

/** Everything that a tool has printed, and a way to wait for a part of it. */
class Transcript {
  readonly #tool: Tool;
  #text = '';
  #errors = '';
  #over = false;
  #changed: () => void = () => undefined;

  constructor(tool: Tool) {
    this.#tool = tool;
    tool.stdout.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString();
      this.#changed();
    });
    tool.stderr.on('data', (chunk: Buffer) => void (this.#errors += chunk.toString()));
    tool.stdin.on('error', () => undefined);
    tool.once('close', () => {
      this.#over = true;
      this.#changed();
    });
  }

  /** @throws {Error} with what the tool complained of, when it ends or takes too long before it prints a match */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    const timer = setTimeout(() => this.#tool.kill('SIGKILL'), handshakeTimeoutMs);
    try {
      for (;;) {
        const match = pattern.exec(this.#text);
        if (match !== null) return match;
        if (this.#over) throw new Error(this.#complaint());
        await new Promise<void>((resolve) => (this.#changed = resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async end(): Promise<void> {
    const timer = setTimeout(() => this.#tool.kill('SIGKILL'), 2_000);
    while (!this.#over) await new Promise<void>((resolve) => (this.#changed = resolve));
    clearTimeout(timer);
  }

  #complaint(): string {
    const told = /^verify error:num=\d+:(.*)$/m.exec(this.#errors) ?? /error:[0-9A-F]+:(.*)$/m.exec(this.#errors);
    return told?.[1] ?? (this.#errors.trim() || 'it ended without a word');
  }
}

const certificatePattern = /(?:Client|Server) certificate\s+(-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----)/;

/** What comes over the connection stands anywhere in a tool's output, even amid a word of its own: the two are buffered apart. */
function said(line: string): RegExp {
  return new RegExp(line);
}

/** What the tool has printed about its peer. */
async function seen(transcript: Transcript, wanted: string): Promise<Outcome> {
  const cipher = (await transcript.until(/(?:CIPHER is|, Cipher is) (\S+)\s/))[1] ?? '';
  const certificate = new X509Certificate((await transcript.until(certificatePattern))[1] ?? '');
  const spiffeId = spiffeIdOf(certificate);
  if (spiffeId !== wanted) return refused(`the peer is ${spiffeId ?? 'without a SPIFFE ID'}, not ${wanted}`);
  // s_server prints no version; the names of the cipher suites of TLS 1.3 are its own.
  const protocol = cipher.startsWith('TLS_') ? 'TLSv1.3' : 'TLSv1.2';
  return { ok: true, spiffeId, serial: certificate.serialNumber.toLowerCase(), protocol };
}

/** A relay on one port that starts a server for each connection, as inetd does. */
async function serve(folder: string, clientId: string): Promise<Server> {
  const outcomes = new Outcomes();
  const relay = createServer((connection) => void serveOne(folder, clientId, connection).then((outcome) => outcomes.report(outcome)));
  return listening(relay, outcomes);
}

async function serveOne(folder: string, clientId: string, connection: Socket): Promise<Outcome> {
  connection.on('error', () => undefined);
  const tool = start('s_server', folder, ['-accept', '127.0.0.1:0', '-naccept', '1', '-Verify', '3']);
  const transcript = new Transcript(tool);
  try {
    const port = Number((await transcript.until(/^ACCEPT 127\.0\.0\.1:(\d+)$/m))[1]);
    const inner = createConnection({ host: '127.0.0.1', port });
    inner.on('error', () => connection.destroy());
    connection.on('close', () => inner.end());
    connection.pipe(inner).pipe(connection);
    const outcome = await seen(transcript, clientId);
    if (!outcome.ok) {
      tool.kill('SIGKILL');
      return outcome;
    }
    await transcript.until(said(question));
    tool.stdin.write(answer);
    return outcome;
  } catch (error) {
    return refused((error as Error).message);
  } finally {
    await transcript.end();
    connection.destroy();
  }
}

class OpenSslClient implements Client {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async dial(port: number, serverId: string, tls: TlsVersion): Promise<Outcome> {
    const version = tls === '1.3' ? '-tls1_3' : '-tls1_2';
    const tool = start('s_client', this.#folder, ['-connect', `127.0.0.1:${port}`, '-noservername', '-verify', '3', version]);
    const transcript = new Transcript(tool);
    try {
      const outcome = await seen(transcript, serverId);
      if (outcome.ok) {
        tool.stdin.write(question);
        await transcript.until(said(answer));
      }
      return outcome;
    } catch (error) {
      return refused((error as Error).message);
    } finally {
      tool.stdin.end();
      await transcript.end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Every handshake had a process of its own, which has ended.
  }
}

function refused(reason: string): Outcome {
  return { ok: false, reason };
}
