#!/usr/bin/env node
// The `sluice` command.
import { runCommand } from './run-command.js';

const exitCode = await runCommand(process.argv.slice(2), process.env);
// Everything that was opened is closed by now; a native module's idle thread must not keep the process.
process.exit(exitCode);
