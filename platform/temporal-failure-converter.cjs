// CommonJS, since Temporal's SDK loads it by `require` from a path, out of the sources and out of dist alike.
const { DefaultFailureConverter } = require('@temporalio/common');

/** Moves failure messages and stack traces into the payload that the codec encrypts. */
exports.failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
