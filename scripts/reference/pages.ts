import { catalogue } from '../../src/errors/index.ts';
import { cliPage } from './cli-page.ts';
import { errorsPage } from './errors-page.ts';
import { metricsPage } from './metrics-page.ts';
import { openapiPage } from './openapi-page.ts';

/** The pages of docs/reference that are generated from the program itself: path → text. */
export async function referencePages(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['docs/reference/cli.md', cliPage()],
    ['docs/reference/errors.md', errorsPage(catalogue)],
    ['docs/reference/metrics.md', metricsPage()],
    ['docs/reference/openapi.json', await openapiPage()],
  ]);
}
