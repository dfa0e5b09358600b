/**
 * Import directions of src/: cli → app → {controllers, server} → {issuance, rotation} → authority → {x509, spiffe} → errors.
 * `resources` may be used by everything above `spiffe`; `audit` and `telemetry` are ports that app fills;
 * the store's port is for controllers and server, its adapters for app alone.
 */
const only = (name, from, allowed) => ({
  name: `direction-${name}`,
  severity: 'error',
  from: { path: `^src/${from}/` },
  to: { path: '^src/', pathNot: [`^src/${from}/`, ...allowed.map((folder) => `^src/${folder}`)] },
});

const onlyFolderMayImport = (name, folder, packages) => ({
  name,
  severity: 'error',
  from: { path: '^src/', pathNot: `^src/${folder}/` },
  to: { path: `node_modules/(${packages})/` },
});

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-tests-in-src', severity: 'error', from: { path: '^src/' }, to: { path: '^(test|scripts)/' } },
    { name: 'not-to-dev-dependencies', severity: 'error', from: { path: '^src/' }, to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm'] } },
    { name: 'not-to-undeclared', severity: 'error', from: {}, to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] } },
    only('errors', 'errors', []),
    only('spiffe', 'spiffe', ['errors/']),
    only('x509', 'x509', ['errors/', 'spiffe/']),
    only('resources', 'resources', ['errors/', 'spiffe/']),
    only('authority', 'authority', ['errors/', 'spiffe/', 'x509/', 'resources/']),
    only('issuance', 'issuance', ['errors/', 'spiffe/', 'x509/', 'resources/', 'authority/']),
    only('rotation', 'rotation', ['errors/', 'spiffe/', 'x509/', 'resources/', 'authority/']),
    only('tokens', 'tokens', ['errors/', 'spiffe/']),
    only('injection', 'injection', ['errors/']),
    only('audit', 'audit', ['errors/', 'spiffe/', 'resources/']),
    only('telemetry', 'telemetry', ['errors/']),
    only('store', 'store', ['errors/', 'resources/', 'telemetry/']),
    only('controllers', 'controllers', ['errors/', 'spiffe/', 'x509/', 'resources/', 'authority/', 'issuance/', 'rotation/', 'injection/', 'audit/', 'telemetry/', 'store/port\\.ts']),
    only('server', 'server', ['errors/', 'spiffe/', 'x509/', 'resources/', 'authority/', 'issuance/', 'rotation/', 'tokens/', 'audit/', 'telemetry/', 'store/port\\.ts']),
    only('app', 'app', ['(?!cli/)']),
    onlyFolderMayImport('x509-libraries', 'x509', '@peculiar/x509|node-forge|reflect-metadata'),
    onlyFolderMayImport('kubernetes-client', 'store/kubernetes', '@kubernetes/client-node'),
    onlyFolderMayImport('http-server', 'server', 'fastify'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default', 'types'] },
  },
};
