// Runs before everything else, on whatever Node is there: ES2020, and no import that an old Node lacks.

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 11)) {
  console.error(
    `Latchkey needs Node 24.11 or newer and this is ${process.versions.node}: ` +
      'run npm ci first, it brings Node 24 into node_modules, and then use npm start, npm test and the other scripts.',
  );
  process.exit(1);
}
