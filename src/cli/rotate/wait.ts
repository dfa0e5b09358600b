import { Command, Option } from 'commander';
import type { CliIo } from '../io.ts';
import { follow } from './follow.ts';
import { named } from './named.ts';
import { openPlace, withPlace, type PlaceOptions } from './place.ts';

/** `mtlsd rotate wait`: follows a rotation that is under way. */
export function waitCommand(io: CliIo, untilStopped: () => Promise<void>): Command {
  return withPlace(new Command('wait'))
    .description('Show how a rotation goes until it has ended, or waits for a person.')
    .argument('[name]', 'name of the CARotation (default: the one that is under way)')
    .addOption(new Option('--output <format>', 'how it is printed').choices(['text', 'json']).default('text'))
    .action(async (name: string | undefined, options: PlaceOptions & { readonly output: 'text' | 'json' }) => {
      await using site = await openPlace(io, options);
      await follow(io, site, (await named(site, name)).metadata.name, options.output, untilStopped());
    });
}
