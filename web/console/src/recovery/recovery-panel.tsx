import { Button, Group, Stack, Text } from '@mantine/core';
import type { OperationEvent, OperationState, OperationStatus, ResolutionChoice } from '@sluice/client';
import { type LiveOperation, useOperation, useOperationEvents, useOperationResolution } from '@sluice/client/react';
import { type ReactNode, useId, useState } from 'react';
import { CodeBlock } from '../components/code-block.js';
import { ErrorNotice, RowsSkeleton } from '../components/feedback.js';
import { Panel } from '../components/page.js';
import { StatusBadge } from '../components/status.js';
import { Icon } from '../icons.js';
import { useSession } from '../services.js';
import { CHOICES, CHOICES_MEANWHILE, stillLeft, whyNot } from './choices.js';
import { DecisionDialog } from './decision-dialog.js';
import { DecisionTrail } from './decision-trail.js';
import { Leftovers } from './leftovers.js';
import classes from './recovery.module.css';

const isDecision = ({ __typename }: OperationEvent): boolean => __typename === 'InputReceived';
const selectSeq = ({ view }: OperationState): number => view.lastSeq;

/** What becomes of an operation that failed: what waits for a decision, what may be decided, and what was. */
export function RecoveryPanel({ recoveryId, failedId }: { recoveryId: string; failedId: string | null }): ReactNode {
  const recovery = useOperation(recoveryId);
  const failed = useOperation(failedId);
  const { detail, status, error, retry } = recovery;
  if (detail === undefined || status === 'UNKNOWN')
    return (
      <Panel title="Recovery" flush>
        {error === undefined ? <RowsSkeleton rows={2} /> : <ErrorNotice error={error} onRetry={retry} />}
      </Panel>
    );
  return <Recovery recovery={{ ...recovery, status }} recoveryId={recoveryId} failed={failed} />;
}

function Recovery({
  recovery,
  recoveryId,
  failed,
}: {
  recovery: LiveOperation & { status: OperationStatus };
  recoveryId: string;
  failed: LiveOperation;
}): ReactNode {
  const [choosing, choose] = useState<ResolutionChoice | null>(null);
  const resolution = useOperationResolution(recoveryId);
  const { events: decisions } = useOperationEvents(recoveryId, { filter: isDecision });
  const decided = decisions.at(-1);
  const last = decided?.__typename === 'InputReceived' ? decided.choice : undefined;
  const about = useOperation(recoveryId, { select: selectSeq });
  const { status, input, compensations } = recovery;
  const left = stillLeft(failed.detail?.compensation?.left ?? [], compensations);
  const isOpen = status === 'WORKING' || status === 'INPUT_REQUIRED';
  const isUndoing = status === 'WORKING' && compensations.some((step) => step.status === 'RUNNING');

  return (
    <Panel
      title="Recovery"
      aside={<StatusBadge status={status} size="md" note={status === 'WORKING' ? (isUndoing ? 'Undoing' : 'Trying again') : undefined} />}
    >
      <Stack gap="md">
        <Text size="sm" role="status">
          {sayWhere(recovery, isUndoing, last)}
        </Text>
        {left.length > 0 && <Leftovers items={left} label="Left undone" />}
        {isOpen && !isUndoing && (
          <Choices choices={input?.choices ?? CHOICES_MEANWHILE} sending={resolution.sending} onChoose={(choice) => open(choice)} />
        )}
        {status === 'COMPLETED' && recovery.result != null && (
          <details className={classes.answer}>
            <summary>The answer as it is now</summary>
            <CodeBlock text={JSON.stringify(recovery.result, null, 2)} label="answer" fileName="answer.json" />
          </details>
        )}
        <DecisionTrail recoveryId={recoveryId} />
      </Stack>
      <DecisionDialog
        choice={choosing}
        about={about}
        title={failed.title === '' ? recovery.title : failed.title}
        left={left}
        resolution={resolution}
        onClose={() => choose(null)}
      />
    </Panel>
  );

  function open(choice: ResolutionChoice): void {
    resolution.reset();
    choose(choice);
  }
}

function Choices({
  choices,
  sending,
  onChoose,
}: {
  choices: readonly ResolutionChoice[];
  sending: ResolutionChoice | null;
  onChoose: (choice: ResolutionChoice) => void;
}): ReactNode {
  const scopes = useSession()?.user.scopes ?? [];
  const reasonId = useId();
  const reasons = [...new Set(choices.flatMap((choice) => whyNot(choice, scopes) ?? []))];
  return (
    <div role="group" aria-label="Decide">
      <Group gap="sm">
        {choices.map((choice, index) => {
          const { label, icon } = CHOICES[choice];
          const isRefused = whyNot(choice, scopes) !== null;
          return (
            <Button
              key={choice}
              variant={index === 0 ? 'filled' : 'default'}
              leftSection={<Icon name={icon} size={16} />}
              disabled={isRefused}
              aria-describedby={isRefused ? reasonId : undefined}
              loading={sending === choice}
              onClick={() => onChoose(choice)}
            >
              {label}
            </Button>
          );
        })}
      </Group>
      {reasons.length > 0 && (
        <Text id={reasonId} size="xs" c="dimmed" mt={8} className={classes.reason}>
          <Icon name="shield" size={14} /> {reasons.join(' ')}
        </Text>
      )}
    </div>
  );
}

/** Where it stands, from the recovery's own state; `last` is the decision that settled it. */
function sayWhere({ status, input, failure }: LiveOperation, isUndoing: boolean, last: ResolutionChoice | undefined): string {
  switch (status) {
    case 'INPUT_REQUIRED':
      return input?.prompt ?? 'It waits for a decision.';
    case 'WORKING':
      return isUndoing
        ? 'What was left is being undone.'
        : 'It tries again by itself, each time after a longer wait, until it works or nothing more can be done without a decision.';
    case 'COMPLETED':
      return last === undefined ? 'It is settled.' : CHOICES[last].settled;
    case 'FAILED':
      return `The recovery itself failed: ${failure?.message ?? 'the reason is not known'}`;
    default:
      return 'The recovery was ended: what failed stays as it is.';
  }
}
