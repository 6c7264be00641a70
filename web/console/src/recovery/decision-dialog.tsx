import { Alert, Button, Code, Group, Stack, Text, Textarea } from '@mantine/core';
import type { OperationLeftover, ResolutionChoice } from '@sluice/client';
import type { OperationResolution } from '@sluice/client/react';
import { type ReactNode, useState } from 'react';
import { Dialog } from '../components/dialog.js';
import { Icon } from '../icons.js';
import { CHOICES } from './choices.js';
import { Leftovers } from './leftovers.js';
import { parseVariables } from './parse-variables.js';
import classes from './recovery.module.css';

export interface DecisionDialogProps {
  choice: ResolutionChoice | null;
  /** The `seq` that is decided about. */
  about: number;
  title: string;
  left: readonly OperationLeftover[];
  resolution: OperationResolution;
  onClose: () => void;
}

/** Says what will happen, and asks once more. It closes on the acknowledgement; the page changes when the events say so. */
export function DecisionDialog({ choice, onClose, ...rest }: DecisionDialogProps): ReactNode {
  return (
    <Dialog
      opened={choice !== null}
      onClose={onClose}
      title={<Text fw={650}>{choice === null ? '' : CHOICES[choice].title}</Text>}
      size={choice === 'EDIT_VARIABLES' ? 'lg' : 'md'}
    >
      {choice !== null && <Decision choice={choice} onClose={onClose} {...rest} />}
    </Dialog>
  );
}

function Decision({
  choice,
  about,
  title,
  left,
  resolution: { resolve, sending, userErrors, error },
  onClose,
}: DecisionDialogProps & { choice: ResolutionChoice }): ReactNode {
  const { says, confirm, isFinal } = CHOICES[choice];
  const [text, setText] = useState('{\n  \n}');
  const [problem, setProblem] = useState<string | null>(null);
  const refusals = error === undefined ? userErrors : [error];

  async function send(): Promise<void> {
    const parsed = choice === 'EDIT_VARIABLES' ? parseVariables(text) : { variables: undefined };
    if ('problem' in parsed) return setProblem(parsed.problem);
    const { accepted } = await resolve({ choice, about, variables: parsed.variables });
    if (accepted) onClose();
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <Stack gap="md">
        <Text size="sm" fw={550} className={classes.subject}>
          {title}
        </Text>
        <Text size="sm">{says}</Text>
        {choice === 'EDIT_VARIABLES' && (
          <Textarea
            label="Variables"
            description="JSON. Names and values are checked as the operation declares them; what is refused comes back here."
            value={text}
            onChange={({ currentTarget }) => {
              setText(currentTarget.value);
              setProblem(null);
            }}
            error={problem}
            errorProps={{ role: 'alert' }}
            classNames={{ input: classes.editor ?? '' }}
            spellCheck={false}
            autoCapitalize="off"
            autosize
            minRows={6}
            maxRows={16}
            data-autofocus
          />
        )}
        {left.length > 0 && choice !== 'RETRY' && choice !== 'EDIT_VARIABLES' && (
          <Leftovers items={left} label={choice === 'COMPENSATE' ? 'What is tried to be undone' : 'What stays as it is'} />
        )}
        {refusals.map(({ code, message }) => (
          <Alert key={code} color="red" icon={<Icon name="alert" />} role="alert">
            {message} <Code>{code}</Code>
          </Alert>
        ))}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose}>
            Not now
          </Button>
          <Button type="submit" {...(isFinal ? { color: 'red' } : {})} loading={sending !== null}>
            {confirm}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
