import { hasEnded } from '../../app/overview/rotation-row.ts';
import { rotationNamed, type RotationSite } from '../../app/rotation/site.ts';
import { MtlsdError } from '../../errors/index.ts';
import type { CARotation } from '../../resources/index.ts';

/** The rotation of that name, or the only one that is under way. @throws ROTATION_NOT_FOUND, CONFIGURATION_INVALID */
export async function named(site: RotationSite, name: string | undefined): Promise<CARotation> {
  const sight = await site.look();
  if (name !== undefined) return rotationNamed(sight, name);
  const [only, ...more] = sight.rotations.filter((rotation) => !hasEnded(rotation));
  if (only === undefined) throw new MtlsdError('ROTATION_NOT_FOUND', 'no rotation is under way', { details: { rotation: '' } });
  if (more.length === 0) return only;
  const names = [only, ...more].map(({ metadata }) => metadata.name).sort();
  throw new MtlsdError('CONFIGURATION_INVALID', `several rotations are under way: name one (${names.join(', ')})`, { details: { option: 'name' } });
}
