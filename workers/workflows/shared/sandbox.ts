// Loaded first into each workflow sandbox, before it is frozen.
// The SDK takes a stack trace for every promise that a workflow makes: a quarter of the time that the sandbox works. Errors keep the
// place where they were made, which is what the report of a defect needs; the depth is for Temporal's stack trace view alone, and
// where a run stands its events tell.
Object.assign(Error, { stackTraceLimit: 1 });
