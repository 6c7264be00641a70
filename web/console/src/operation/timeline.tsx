// Steps as rows with bars on one time axis; what was undone stands in its own lane below.
import { Badge, Code, Text } from '@mantine/core';
import type { StepView } from '@sluice/client';
import type { ReactNode } from 'react';
import { useNow } from '../clock.js';
import { STEP_LOOKS, StepIcon } from '../components/status.js';
import { formatDuration, formatElapsed } from '../format.js';
import { Icon } from '../icons.js';
import classes from './timeline.module.css';

export interface TimelineProps {
  steps: readonly StepView[];
  compensations: readonly StepView[];
  /** RFC 3339. */
  startedAt: string;
  /** Null while it runs. */
  endedAt: string | null;
}

/** A span of time that bars are placed in; epoch ms. */
interface Axis {
  from: number;
  to: number;
}

export function Timeline({ steps, compensations, startedAt, endedAt }: TimelineProps): ReactNode {
  const now = useNow(endedAt === null);
  const axis = toAxis(startedAt, endedAt, [...steps, ...compensations], now);
  const labels = new Map(steps.map(({ id, label }) => [id, label]));
  const undone = compensations.filter(({ status }) => status === 'COMPLETED').length;

  return (
    <div className={classes.timeline}>
      <div className={classes.axis} aria-hidden="true">
        <span />
        <span className={classes.ticks}>
          {[0, 0.25, 0.5, 0.75, 1].map((part) => (
            <span key={part} style={{ left: `${part * 100}%` }}>
              {part === 0 ? '0' : formatDuration((axis.to - axis.from) * part)}
            </span>
          ))}
        </span>
        <span />
      </div>
      <ol className={classes.steps} aria-label="Steps">
        {steps.map((step) => (
          <Step key={step.id} step={step} axis={axis} now={now} />
        ))}
      </ol>
      {compensations.length > 0 && (
        <section className={classes.rollback} aria-label="Rollback">
          <header className={classes.rollbackHead}>
            <Icon name="undo" size={16} />
            <Text component="h2" size="sm" fw={650} m={0}>
              Rollback
            </Text>
            <Text component="span" size="sm">
              {undone} of {compensations.length} undone
            </Text>
          </header>
          <ol className={classes.steps}>
            {compensations.map((step) => (
              <Step
                key={step.id}
                step={step}
                axis={axis}
                now={now}
                undoes={step.undoes === null ? undefined : (labels.get(step.undoes) ?? step.undoes)}
              />
            ))}
          </ol>
        </section>
      )}
    </div>
  );
}

function Step({ step, axis, now, undoes }: { step: StepView; axis: Axis; now: number; undoes?: string | undefined }): ReactNode {
  const { status, label, attempt, detail, failure, startedAt, finishedAt } = step;
  const isUndo = undoes !== undefined;
  return (
    <li className={classes.step} data-status={status} data-undo={isUndo || undefined}>
      <StepIcon status={status} />
      <span className={classes.what}>
        <span className={classes.label}>
          <span>{label}</span>
          {attempt > 1 && (
            <Badge variant="light" color="orange" size="sm" className={classes.attempt}>
              attempt {attempt}
            </Badge>
          )}
        </span>
        {isUndo && undoes !== label && <span className={classes.note}>Undoes “{undoes}”</span>}
        {detail !== null && detail !== '' && <span className={classes.note}>{detail}</span>}
        {failure !== null && (
          <span className={classes.failure} data-past={status !== 'FAILED' || undefined}>
            {status === 'FAILED' ? '' : 'Last try: '}
            {failure.message} <Code className={classes.code}>{failure.code}</Code>
          </span>
        )}
      </span>
      <span className={classes.lane} aria-hidden="true">
        {startedAt !== null && <Bar axis={axis} from={Date.parse(startedAt)} to={finishedAt === null ? now : Date.parse(finishedAt)} />}
      </span>
      <span className={classes.took}>{toTook(step, now)}</span>
    </li>
  );
}

function Bar({ axis, from, to }: { axis: Axis; from: number; to: number }): ReactNode {
  const span = axis.to - axis.from;
  const left = Math.min(99, Math.max(0, ((from - axis.from) / span) * 100));
  const width = Math.min(100 - left, Math.max(0, ((to - from) / span) * 100));
  return <span className={classes.bar} style={{ left: `${left}%`, width: `max(6px, ${width}%)` }} />;
}

function toTook({ status, startedAt, finishedAt }: StepView, now: number): string {
  if (startedAt === null) return status === 'COMPLETED' || status === 'FAILED' ? '' : STEP_LOOKS[status].label;
  return finishedAt === null ? formatElapsed(now - Date.parse(startedAt)) : formatDuration(Date.parse(finishedAt) - Date.parse(startedAt));
}

function toAxis(startedAt: string, endedAt: string | null, steps: readonly StepView[], now: number): Axis {
  const from = Date.parse(startedAt);
  const known = steps.flatMap((step) => [step.startedAt, step.finishedAt]).flatMap((time) => (time === null ? [] : [Date.parse(time)]));
  const to = Math.max(...known, endedAt === null ? now : Date.parse(endedAt), from + 100);
  // A running operation gets room to its right, so that bars do not reach the edge.
  return { from: Math.min(from, ...known), to: endedAt === null ? from + (to - from) * 1.15 : to };
}
