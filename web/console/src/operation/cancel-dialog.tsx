import { Alert, Button, Code, Group, Stack, Text, Textarea } from '@mantine/core';
import { type OperationError, OperationClientError } from '@sluice/client';
import type { LiveOperation } from '@sluice/client/react';
import { type ReactNode, useState } from 'react';
import { Dialog } from '../components/dialog.js';
import { Icon } from '../icons.js';

/** Asks once more. Closing on the acknowledgement says nothing yet: the page's status changes when the events say so. */
export function CancelDialog({
  operation,
  opened,
  onClose,
}: {
  operation: LiveOperation;
  opened: boolean;
  onClose: () => void;
}): ReactNode {
  const [reason, setReason] = useState('');
  const [sending, setSending] = useState(false);
  const [problem, setProblem] = useState<Pick<OperationError, 'code' | 'message'> | null>(null);

  async function send(): Promise<void> {
    setSending(true);
    setProblem(null);
    try {
      const { accepted, userErrors } = await operation.cancel(reason.trim() === '' ? undefined : reason.trim());
      if (accepted) onClose();
      else setProblem(userErrors[0] ?? null);
    } catch (error) {
      setProblem(error instanceof OperationClientError ? error : { code: 'NETWORK_ERROR', message: String(error) });
    }
    setSending(false);
  }

  return (
    <Dialog opened={opened} onClose={onClose} title={<Text fw={650}>Cancel this operation?</Text>}>
      <Stack gap="md">
        <Text size="sm">
          The run stops at its next step, and what it has done is undone. <strong>{operation.title}</strong> counts as cancelled when that
          is finished.
        </Text>
        <Textarea
          label="Reason"
          description="Optional; it is kept with the operation"
          value={reason}
          onChange={({ currentTarget }) => setReason(currentTarget.value)}
          maxLength={500}
          autosize
          minRows={2}
        />
        {problem !== null && (
          <Alert color="red" icon={<Icon name="alert" />} role="alert">
            {problem.message} <Code>{problem.code}</Code>
          </Alert>
        )}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose}>
            Keep it running
          </Button>
          <Button color="red" loading={sending} onClick={() => void send()}>
            Request cancellation
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
