/**
 * Reads what a server sent during a handshake out of the bytes that arrived. Node tells a client neither the certificates
 * in the order in which they were presented (it sorts them into a path, and adds roots of its own) nor whether one was
 * asked for; both are what a person inspects a server for.
 */
import { createDecipheriv, createHmac } from 'node:crypto';

/** What a server said in its handshake, as far as it came. */
export interface ServerFlight {
  /** DER, as presented; undefined when the handshake ended before. */
  readonly certificates: readonly Uint8Array[] | undefined;
  /** Whether it asked for a client certificate. */
  readonly asksForCertificate: boolean;
}

const recordType = { changeCipherSpec: 20, handshake: 22, applicationData: 23 } as const;
const messageType = { serverHello: 2, certificate: 11, certificateRequest: 13, finished: 20 } as const;

/** RFC 8446 §B.4: cipher suites of TLS 1.3; a ServerHello with another one is of TLS 1.2. */
const suites: Readonly<Record<number, { readonly cipher: 'aes-128-gcm' | 'aes-256-gcm' | 'chacha20-poly1305'; readonly hash: string; readonly keyBytes: number }>> = {
  0x1301: { cipher: 'aes-128-gcm', hash: 'sha256', keyBytes: 16 },
  0x1302: { cipher: 'aes-256-gcm', hash: 'sha384', keyBytes: 32 },
  0x1303: { cipher: 'chacha20-poly1305', hash: 'sha256', keyBytes: 32 },
};

/** RFC 8446 §4.1.3: a ServerHello with this random is a HelloRetryRequest. */
const retryRandom = 'cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c';

const tagBytes = 16;
const headerBytes = 5;

/** RFC 8446 §7.1, for outputs of at most one block. */
function expandLabel(secret: Uint8Array, hash: string, label: string, bytes: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([Buffer.of(0, bytes, name.length), name, Buffer.of(0, 1)]);
  return createHmac(hash, secret).update(info).digest().subarray(0, bytes);
}

/** Opens the encrypted part of a server's handshake (RFC 8446 §5.2). */
class HandshakeDecryption {
  readonly #suite: (typeof suites)[number] & object;
  readonly #key: Buffer;
  readonly #iv: Buffer;
  #sequence = 0;

  constructor(suite: (typeof suites)[number] & object, secret: Uint8Array) {
    this.#suite = suite;
    this.#key = expandLabel(secret, suite.hash, 'key', suite.keyBytes);
    this.#iv = expandLabel(secret, suite.hash, 'iv', 12);
  }

  /** Content of a handshake record, or undefined for one of another type. Throws when it was not encrypted by this secret. */
  open(record: Buffer): Buffer | undefined {
    const nonce = Buffer.from(this.#iv);
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ this.#sequence) >>> 0, 8);
    this.#sequence += 1;
    // The types of Node know authenticated modes by literal names, one overload each: GCM stands for all three.
    const decipher = createDecipheriv(this.#suite.cipher as 'aes-128-gcm', this.#key, nonce, { authTagLength: tagBytes });
    decipher.setAAD(record.subarray(0, headerBytes));
    decipher.setAuthTag(record.subarray(-tagBytes));
    const padded = Buffer.concat([decipher.update(record.subarray(headerBytes, -tagBytes)), decipher.final()]);
    let end = padded.length - 1;
    while (end > 0 && padded[end] === 0) end -= 1;
    return padded[end] === recordType.handshake ? padded.subarray(0, end) : undefined;
  }
}

/** Whole records at the front of `bytes`, header included. */
function* recordsOf(bytes: Buffer): Iterable<Buffer> {
  for (let at = 0; at + headerBytes <= bytes.length; ) {
    const end = at + headerBytes + bytes.readUInt16BE(at + 3);
    if (end > bytes.length) return;
    yield bytes.subarray(at, end);
    at = end;
  }
}

interface Message {
  readonly type: number;
  readonly body: Buffer;
}

/** Handshake messages out of the contents of records, which cut them as they like. */
class Messages {
  #pending: Buffer = Buffer.alloc(0);

  *of(content: Buffer): Iterable<Message> {
    this.#pending = Buffer.concat([this.#pending, content]);
    while (this.#pending.length >= 4) {
      const end = 4 + this.#pending.readUIntBE(1, 3);
      if (end > this.#pending.length) return;
      const message = { type: this.#pending.readUInt8(0), body: this.#pending.subarray(4, end) };
      this.#pending = this.#pending.subarray(end);
      yield message;
    }
  }
}

/** RFC 8446 §4.4.2 (each entry with extensions, and a context in front) and RFC 5246 §7.4.2. */
function certificatesIn(body: Buffer, isTls13: boolean): readonly Uint8Array[] {
  const certificates: Uint8Array[] = [];
  let at = (isTls13 ? 1 + body.readUInt8(0) : 0) + 3;
  while (at < body.length) {
    const end = at + 3 + body.readUIntBE(at, 3);
    if (end > body.length) throw new RangeError('a certificate is longer than its message');
    certificates.push(new Uint8Array(body.subarray(at + 3, end)));
    at = isTls13 ? end + 2 + body.readUInt16BE(end) : end;
  }
  return certificates;
}

/** The suite of a ServerHello, when it is of TLS 1.3 and no request to try again. */
function suiteOf(hello: Buffer): ((typeof suites)[number] & object) | undefined {
  if (hello.subarray(2, 34).toString('hex') === retryRandom) return undefined;
  const sessionIdBytes = hello.readUInt8(34);
  return suites[hello.readUInt16BE(35 + sessionIdBytes)];
}

/** Takes the records of a server one by one, until its part of the handshake is over. */
class FlightReader {
  certificates: readonly Uint8Array[] | undefined;
  asksForCertificate = false;
  readonly #secret: Uint8Array | undefined;
  readonly #messages = new Messages();
  #decryption: HandshakeDecryption | undefined;

  constructor(secret: Uint8Array | undefined) {
    this.#secret = secret;
  }

  /** Whether more may follow. Throws on what cannot be read. */
  take(record: Buffer): boolean {
    const type = record.readUInt8(0);
    // In TLS 1.3 a ChangeCipherSpec means nothing; in TLS 1.2 all that follows is encrypted, and the certificates are there.
    if (type === recordType.changeCipherSpec) return this.#decryption !== undefined || this.certificates === undefined;
    if (type !== recordType.handshake && type !== recordType.applicationData) return true;
    const content = type === recordType.handshake ? record.subarray(headerBytes) : this.#decryption?.open(record);
    if (content === undefined) return false;
    for (const message of this.#messages.of(content)) {
      if (message.type === messageType.finished) return false;
      this.#note(message);
    }
    return true;
  }

  #note({ type, body }: Message): void {
    if (type === messageType.certificate) this.certificates = certificatesIn(body, this.#decryption !== undefined);
    if (type === messageType.certificateRequest) this.asksForCertificate = true;
    const suite = type === messageType.serverHello ? suiteOf(body) : undefined;
    if (suite !== undefined && this.#secret !== undefined) this.#decryption = new HandshakeDecryption(suite, this.#secret);
  }
}

/**
 * What the server said. `received` are the bytes of the connection from its first one, `secret` is the
 * `SERVER_HANDSHAKE_TRAFFIC_SECRET` of TLS 1.3 (undefined for TLS 1.2, whose handshake is not encrypted). What is cut or
 * cannot be read ends the reading: a peer that sends nonsense has presented nothing.
 */
export function readServerFlight(received: Buffer, secret: Uint8Array | undefined): ServerFlight {
  const reader = new FlightReader(secret);
  try {
    for (const record of recordsOf(received)) if (!reader.take(record)) break;
  } catch {
    // Cut short, or not what it says it is.
  }
  return { certificates: reader.certificates, asksForCertificate: reader.asksForCertificate };
}
