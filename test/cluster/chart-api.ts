/** Requests to a test cluster's API server as somebody: one request is one verb, with nothing read or merged before it. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import type { Cluster } from './cluster.ts';

/** The answer of the API server; `message` is a Status' message, empty when it sent an object. */
export interface ApiAnswer {
  readonly code: number;
  readonly message: string;
  readonly body: unknown;
}

/** Who asks, if not the administrator. */
export interface Identity {
  readonly user: string;
  readonly groups?: readonly string[];
}

/** Sends requests to one cluster. `as` impersonates: the API server judges the request as that user's. */
export interface ApiClient {
  send(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, as?: Identity): Promise<ApiAnswer>;
}

/** @throws {Error} from `send`, only when there is no answer */
export async function apiClient(cluster: Pick<Cluster, 'server' | 'caFile' | 'adminToken'>): Promise<ApiClient> {
  const ca = await readFile(cluster.caFile, 'utf8');
  return {
    send: async (method, path, body, as) => {
      const headers = {
        authorization: `Bearer ${cluster.adminToken}`,
        accept: 'application/json',
        'content-type': 'application/json',
        ...(as === undefined ? {} : { 'impersonate-user': as.user }),
        ...(as?.groups === undefined ? {} : { 'impersonate-group': [...as.groups] }),
      };
      const call = request(`${cluster.server}${path}`, { method, ca, headers });
      call.end(body === undefined ? undefined : JSON.stringify(body));
      const [response] = (await once(call, 'response')) as [IncomingMessage];
      const answer = JSON.parse(await text(response)) as { kind?: string; message?: string };
      return { code: response.statusCode ?? 0, message: answer.kind === 'Status' ? (answer.message ?? '') : '', body: answer };
    },
  };
}
