import { apiFamilies } from '../../src/app/api/families.ts';
import { systemClock } from '../../src/app/clock.ts';
import { apiServer, openapiDocument, routesOf } from '../../src/server/index.ts';
import { MemoryStore } from '../../src/store/memory/index.ts';

const nothing = (): void => undefined;

/** The OpenAPI document of the API, from the routes of a server that is asked nothing. */
export async function openapiPage(): Promise<string> {
  const store = new MemoryStore({ nowMs: () => 0, uid: () => 'none' });
  const families = apiFamilies({ store, clock: systemClock, systemNamespace: 'mtlsd-system', recordLocation: (name) => name, controllers: () => undefined });
  const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
  const server = await apiServer({ callers: { identify: async () => Promise.reject(new Error('invariant broken: nobody asks')) }, audit: { record: nothing }, log, newRequestId: () => 'none' }, families);
  const document = openapiDocument(routesOf(server));
  await server.close();
  return `${JSON.stringify(document, null, 2)}\n`;
}
