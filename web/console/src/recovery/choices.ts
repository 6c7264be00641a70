// What may be decided about a failed operation, in words, and who may.
import type { OperationLeftover, ResolutionChoice } from '@sluice/client';
import type { IconName } from '../icons.js';

export interface ChoiceWords {
  readonly label: string;
  readonly icon: IconName;
  /** In the trail of decisions. */
  readonly done: string;
  readonly title: string;
  /** What will happen. */
  readonly says: string;
  readonly confirm: string;
  /** When it was the last one. */
  readonly settled: string;
  readonly isFinal: boolean;
}

export const CHOICES: Readonly<Record<ResolutionChoice, ChoiceWords>> = {
  RETRY: {
    label: 'Try again…',
    icon: 'refresh',
    done: 'tried again',
    title: 'Try again now?',
    says: 'What failed is sent again, with the idempotency keys of the first attempt: a service that knows them does nothing twice. A service that does not may. If it fails once more, it waits here again.',
    confirm: 'Try again',
    settled: 'It was done after all: a later attempt succeeded.',
    isFinal: false,
  },
  EDIT_VARIABLES: {
    label: 'Edit variables…',
    icon: 'edit',
    done: 'sent it with other variables',
    title: 'Send it with other variables?',
    says: 'That makes it another request, with new idempotency keys. Effects that happened stand and are not repeated; what only read is read again. Variables that are not named here stay as they were.',
    confirm: 'Send with these',
    settled: 'It was done after all: with other variables it succeeded.',
    isFinal: false,
  },
  SKIP: {
    label: 'Skip with null…',
    icon: 'skipped',
    done: 'skipped what failed',
    title: 'Take the answer as it is?',
    says: 'What failed is null in the answer, everything else stands, and nothing more is sent. It is settled with that, and cannot be taken up again.',
    confirm: 'Skip with null',
    settled: 'It is settled: what failed stays null in its answer.',
    isFinal: true,
  },
  COMPENSATE: {
    label: 'Undo what is left…',
    icon: 'undo',
    done: 'had the rest undone',
    title: 'Undo what is left?',
    says: 'Each undo below is sent once more, with its first idempotency key. When all of them succeed it is settled; what still cannot be undone stays here.',
    confirm: 'Undo',
    settled: 'It is settled: what was left has been undone.',
    isFinal: false,
  },
  GIVE_UP: {
    label: 'Give up…',
    icon: 'stop',
    done: 'gave up',
    title: 'Give up on this operation?',
    says: 'Nothing more is sent and nothing is undone: everything stays as it is now. It is settled with that, and cannot be taken up again.',
    confirm: 'Give up',
    settled: 'It is settled: it was given up, and everything stays as it was.',
    isFinal: true,
  },
};

/** What is open while the recovery tries by itself: trying earlier, or no longer. */
export const CHOICES_MEANWHILE: readonly ResolutionChoice[] = ['RETRY', 'GIVE_UP'];

/** @returns why a user with these scopes may not decide so; null when they may. The gateway has the last word. */
export function whyNot(choice: ResolutionChoice, scopes: readonly string[]): string | null {
  if (!scopes.includes('operations:write')) return 'Your account may look, not decide: it lacks the scope operations:write.';
  if (choice === 'RETRY' || scopes.includes('tenants:write') || scopes.includes('deployment:write')) return null;
  return 'You may try again. The rest is for the admins of the tenant and for operators (tenants:write or deployment:write).';
}

/** What is still left, when `undone` are the compensations that were tried since. */
export function stillLeft(
  left: readonly OperationLeftover[],
  undone: readonly { readonly status: string; readonly undoes: string | null }[],
): readonly OperationLeftover[] {
  return left.filter(({ step }) => !undone.some(({ undoes, status }) => undoes === step && status === 'COMPLETED'));
}
