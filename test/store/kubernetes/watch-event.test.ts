import { describe, expect, test } from 'vitest';
import { parseWatchEvent, WatchProtocolError } from '../../../src/store/kubernetes/watch-event.ts';

const line = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const metadata = { name: 'a', namespace: 'n', uid: 'u', resourceVersion: '7' };

describe('parseWatchEvent', () => {
  test.each(['ADDED', 'MODIFIED', 'DELETED'])('reads %s', (type) => {
    expect(parseWatchEvent(line({ type, object: { metadata } }))).toEqual({ type, object: { metadata } });
  });

  test('tells a bookmark from the one that ends the initial events', () => {
    expect(parseWatchEvent(line({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '9' } } }))).toEqual({ type: 'BOOKMARK', resourceVersion: '9', initialEventsEnd: false });
    const annotations = { 'k8s.io/initial-events-end': 'true' };
    expect(parseWatchEvent(line({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '9', annotations } } }))).toMatchObject({ initialEventsEnd: true });
  });

  test('reads the Status of an error, and survives an error without one', () => {
    expect(parseWatchEvent(line({ type: 'ERROR', object: { kind: 'Status', code: 410 } }))).toMatchObject({ status: { code: 410 } });
    expect(parseWatchEvent(line({ type: 'ERROR', object: null }))).toMatchObject({ type: 'ERROR' });
  });

  test.each([
    ['a cut line', '{"type":"ADDED","object":{"met'],
    ['no object', 'null'],
    ['a number', '7'],
    ['another type', '{"type":"REPLACED","object":{}}'],
    ['no type', '{}'],
    ['an object without metadata', '{"type":"ADDED","object":{}}'],
    ['an object without uid', '{"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"1"}}}'],
    ['an object that is null', '{"type":"DELETED","object":null}'],
    ['a bookmark without resourceVersion', '{"type":"BOOKMARK","object":{"metadata":{}}}'],
    ['a bookmark of nothing', '{"type":"BOOKMARK","object":null}'],
    ['bytes that are no UTF-8 and no JSON', '\u0000\u0001'],
  ])('refuses %s', (_what, text) => {
    expect(() => parseWatchEvent(Buffer.from(text))).toThrow(WatchProtocolError);
  });

  test('never quotes the line in its complaint', () => {
    expect(() => parseWatchEvent(Buffer.from('{"data":{"tls.key":"U0VDUkVU'))).toThrow(/^a line of the watch is no JSON \(28 bytes\)$/u);
  });
});
