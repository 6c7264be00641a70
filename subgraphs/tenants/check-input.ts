import { CodedError } from '#schema/contracts/errors';

const NAME_CHARS = 120;
// eslint-disable-next-line no-control-regex -- control characters are what is refused
const CONTROL = /[\u0000-\u001f\u007f]/;

/** @throws BAD_USER_INPUT */
export function checkName(name: string): string {
  const trimmed = name.trim();
  if (trimmed === '' || trimmed.length > NAME_CHARS || CONTROL.test(trimmed))
    refuse('name', `1 to ${NAME_CHARS} characters without control characters`, name);
  return trimmed;
}

export function checkSlug(slug: string): string {
  if (!/^[a-z][a-z0-9-]{1,38}[a-z0-9]$/.test(slug)) refuse('slug', '3 to 40 lower-case letters, digits or hyphens, a letter first', slug);
  return slug;
}

export function checkEmail(email: string): string {
  if (email.length > 254 || !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email)) refuse('email', 'an e-mail address', email);
  return email.toLowerCase();
}

export function checkLocale(locale: string): string {
  try {
    return Intl.getCanonicalLocales(locale)[0] ?? refuse('locale', 'a BCP 47 language tag', locale);
  } catch {
    return refuse('locale', 'a BCP 47 language tag', locale);
  }
}

export function checkTimeZone(timeZone: string): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone;
  } catch {
    return refuse('timeZone', 'an IANA time zone', timeZone);
  }
}

export function checkMemberQuota(members: number): number {
  if (members < 1 || members > 100_000) refuse('members', '1 to 100000', String(members));
  return members;
}

export function checkReservation(id: string): string {
  if (!/^[\w.:-]{1,100}$/.test(id)) refuse('reservation', '1 to 100 letters, digits, dots, colons, dashes or underscores', id);
  return id;
}

/** As the gateway takes them from tokens. */
export function checkSubject(subject: string): string {
  if (!/^[A-Za-z0-9_.-]{1,64}$/.test(subject)) refuse('subject', '1 to 64 letters, digits, dots, dashes or underscores', subject);
  return subject;
}

function refuse(field: string, expected: string, got: string): never {
  throw new CodedError('BAD_USER_INPUT', `${field}: expected ${expected}, got ${JSON.stringify(got.slice(0, 80))}`);
}
