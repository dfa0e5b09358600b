import { beforeAll, describe, expect, test } from 'vitest';
import { isMtlsdError } from '../../src/errors/index.ts';
import { judgeTemplate, type LeafFields, type LeafTemplate } from '../../src/x509/index.ts';
import { type Hierarchy, keyOf, makeHierarchy, quickAlgorithms } from './hierarchy.ts';

let hierarchy: Hierarchy;
beforeAll(async () => {
  hierarchy = await makeHierarchy('ECDSAP256');
});

test.each(quickAlgorithms)('a template of %s is sound', async (algorithm) => {
  const { template, issuing } = await makeHierarchy(algorithm);
  await expect(judgeTemplate(template, issuing, algorithm)).resolves.toBeUndefined();
});

type Spoil = (tbs: Buffer) => void;

/** A template whose every leaf carries one defect; lengths stay as they are. */
function spoiled(spoil: Spoil, fields: (asked: LeafFields) => LeafFields = (asked) => asked): LeafTemplate {
  const { template } = hierarchy;
  return {
    issuer: template.issuer,
    signatureAlgorithm: template.signatureAlgorithm,
    toBeSigned: (asked: LeafFields) => {
      const tbs = Buffer.from(template.toBeSigned(fields(asked)));
      spoil(tbs);
      return tbs;
    },
    assemble: (tbs: Uint8Array, signature: Uint8Array) => template.assemble(tbs, signature),
  } as unknown as LeafTemplate;
}

function replace(from: string, to: string): Spoil {
  return (tbs) => {
    const at = tbs.indexOf(from, 0, 'hex');
    if (at === -1) throw new Error('nothing to spoil');
    tbs.write(to, at, 'hex');
  };
}

async function differences(template: LeafTemplate): Promise<string> {
  try {
    await judgeTemplate(template, hierarchy.issuing, 'ECDSAP256');
  } catch (error) {
    if (isMtlsdError(error, 'X509_TEMPLATE_UNSOUND')) return error.details?.differences.join('\n') ?? '';
    throw error;
  }
  throw new Error('the template was found sound');
}

describe('an unsound template', () => {
  test.each([
    ['keyUsage of an authority', replace('03020780', '03020204'), 'keyUsage is'],
    ['keyUsage that is not critical', replace('0603551d0f0101ff', '0603551d0f010100'), 'extensions is'],
    ['only one purpose, twice', replace('06082b06010505070302', '06082b06010505070301'), 'extendedKeyUsage is'],
    ['an authority key identifier without a key', replace('8014', '8114'), 'it cannot be read'],
    ['another scheme', replace('7370696666653a', '7073696666653a'), 'subjectAltName is'],
    ['another signature algorithm inside', replace('2a8648ce3d040302', '2a8648ce3d040303'), 'signature'],
    ['another issuer name', replace(Buffer.from('issuing').toString('hex'), Buffer.from('lssuing').toString('hex')), 'issuer is'],
  ])('%s', async (_name, spoil, expected) => {
    expect(await differences(spoiled(spoil))).toContain(expected);
  });

  test.each([
    ['another serial number', (asked: LeafFields) => ({ ...asked, serialNumber: new Uint8Array(16).fill(1) }), 'serialNumber is'],
    ['a later end', (asked: LeafFields) => ({ ...asked, notAfterMs: asked.notAfterMs - 1000 }), 'notAfter is'],
    ['an earlier beginning', (asked: LeafFields) => ({ ...asked, notBeforeMs: asked.notBeforeMs - 1000 }), 'notBefore is'],
    ['a name left out', (asked: LeafFields) => ({ ...asked, dnsNames: asked.dnsNames.slice(1) }), 'subjectAltName is'],
    ['a common name of its own', (asked: LeafFields) => ({ ...asked, commonName: 'x' }), 'subject is'],
  ])('%s', async (_name, change, expected) => {
    expect(await differences(spoiled(() => undefined, change))).toContain(expected);
  });

  test('another public key', async () => {
    const { publicKey } = await keyOf('ECDSAP256', 'stranger');
    const found = await differences(spoiled(() => undefined, (asked) => ({ ...asked, publicKey })));
    expect(found).toContain('publicKey is');
    expect(found).toContain('subjectKeyIdentifier is');
  });

  test('compiled for another issuer', async () => {
    const other = await makeHierarchy('ECDSAP256');
    await expect(judgeTemplate(other.template, hierarchy.issuing, 'ECDSAP256')).rejects.toThrow('compiled for another issuer');
  });
});
