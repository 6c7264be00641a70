import { Group, Modal } from '@mantine/core';
import type { ReactNode } from 'react';

export interface DialogProps {
  title: ReactNode;
  opened: boolean;
  onClose: () => void;
  size?: 'md' | 'lg';
  children: ReactNode;
}

/** A modal dialog. Its head is plain: Mantine's own is a `header`, which beside the page's counts as a second banner. */
export function Dialog({ title, opened, onClose, size = 'md', children }: DialogProps): ReactNode {
  return (
    <Modal.Root opened={opened} onClose={onClose} size={size} centered>
      <Modal.Overlay />
      <Modal.Content radius="lg">
        <Modal.Body p="lg">
          <Group justify="space-between" align="flex-start" wrap="nowrap" mb="md">
            <Modal.Title>{title}</Modal.Title>
            <Modal.CloseButton aria-label="Close" />
          </Group>
          {children}
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}
