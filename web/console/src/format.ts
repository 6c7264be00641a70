// Dates, durations and sizes for people. `en` throughout: the console has one language.
import type { OperationKindName } from '@sluice/client';

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });
const exact = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'medium' });
const clock = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;

export function formatRelative(time: string | number, nowMs: number): string {
  const ms = new Date(time).getTime() - nowMs;
  for (const [unit, size] of UNITS) if (Math.abs(ms) >= size) return relative.format(Math.round(ms / size), unit);
  return Math.abs(ms) < 10_000 ? 'just now' : relative.format(Math.round(ms / 1_000), 'second');
}

export function formatExact(time: string | number): string {
  return exact.format(new Date(time));
}

export function formatClock(time: string | number): string {
  return clock.format(new Date(time));
}

/** `840 ms`, `12.4 s`, `3 m 05 s`, `2 h 10 m`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} m ${String(Math.floor((ms % 60_000) / 1_000)).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} m`;
}

/** For ticking clocks: whole seconds, so that the text does not flicker. */
export function formatElapsed(ms: number): string {
  return ms < 60_000 ? `${Math.max(0, Math.floor(ms / 1_000))} s` : formatDuration(ms);
}

export function formatBytes(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  return bytes < 1_048_576 ? `${(bytes / 1_024).toFixed(1)} KiB` : `${(bytes / 1_048_576).toFixed(1)} MiB`;
}

export const KIND_LABELS: Readonly<Record<OperationKindName, string>> = {
  API_REQUEST: 'API request',
  ORCHESTRATION: 'Orchestration',
  ASYNC_REQUEST: 'Async request',
  PLUGIN_INSTALLATION: 'Plugin installation',
  PLUGIN_UPDATE: 'Plugin update',
  PLUGIN_REMOVAL: 'Plugin removal',
  RECOVERY: 'Recovery',
  WEBHOOK: 'Webhook',
  SUPERGRAPH: 'Supergraph',
};
